// Draws the floor's shadow into a small picture of its own, which the floor then shows.
uniform mat4 light_projection;
uniform float floor_height;
uniform vec2 corners[4];
in vec2 in_position;  // -1 to 1
out vec3 shadow_position;
out vec2 place;

void main() {
    vec2 t = 0.5 + 0.5 * in_position;
    place = mix(mix(corners[0], corners[1], t.x), mix(corners[2], corners[3], t.x), t.y);
    shadow_position = (light_projection * vec4(place, floor_height, 1.0)).xyz;
    gl_Position = vec4(in_position, 0.0, 1.0);
}
