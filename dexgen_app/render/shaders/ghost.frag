uniform vec3 eye;
uniform vec3 ghost_color;
in vec3 position;
in vec3 normal;
flat in float opacity;
out vec4 out_color;

void main() {
    float facing = clamp(dot(normalize(normal), normalize(eye - position)), 0.0, 1.0);
    float edge = 1.0 - facing;
    float alpha = opacity * (0.20 + 0.70 * edge * edge);
    out_color = vec4(sqrt(ghost_color) * (0.70 + 0.40 * facing), alpha);
}
