uniform mat4 inverse_view_projection;
in vec2 in_position;
out vec2 screen;
out vec3 far_point;

void main() {
    screen = in_position;
    vec4 far = inverse_view_projection * vec4(in_position, 1.0, 1.0);
    far_point = far.xyz / far.w;
    gl_Position = vec4(in_position, 0.99999, 1.0);
}
