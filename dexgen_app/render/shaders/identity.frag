flat in int link;
out vec4 out_color;

void main() {
    out_color = vec4(float(link + 1) / 255.0, 0.0, 0.0, 1.0);
}
