uniform vec3 eye;
uniform vec3 key_direction;
uniform float fade;
in vec3 normal;
in vec3 position;
in vec4 color;
out vec4 out_color;

void main() {
    vec3 n = normalize(normal);
    float light = 0.72 + 0.28 * dot(n, key_direction);
    out_color = vec4(sqrt(color.rgb) * light, color.a * fade);
}
