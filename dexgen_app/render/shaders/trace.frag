in vec4 color;
in float across;
out vec4 out_color;

void main() {
    out_color = vec4(sqrt(color.rgb), color.a * clamp(1.6 * (1.0 - abs(across)), 0.0, 1.0));
}
