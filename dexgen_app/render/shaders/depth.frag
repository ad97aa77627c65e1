out vec4 out_color;

void main() {
    out_color = vec4(0.0);  // blended over a picture, this changes its depth only
}
