uniform mat4 view_projection;
uniform float floor_height;
uniform vec2 corners[4];
in vec2 in_position;  // -1 to 1
out vec2 place;

void main() {
    place = 0.5 + 0.5 * in_position;
    vec2 p = mix(mix(corners[0], corners[1], place.x), mix(corners[2], corners[3], place.x), place.y);
    gl_Position = view_projection * vec4(p, floor_height, 1.0);
}
