uniform sampler2D floor_map;
in vec2 place;
out vec4 out_color;

void main() {
    out_color = vec4(texture(floor_map, place).r);
}
