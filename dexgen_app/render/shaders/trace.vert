uniform mat4 view_projection;
uniform vec2 pixel;  // size of a pixel in clip space
in vec2 in_position; // along 0 to 1, across -1 to 1
in vec3 start;
in vec3 end;
in vec4 tint;
out vec4 color;
out float across;

void main() {
    vec4 a = view_projection * vec4(start, 1.0);
    vec4 b = view_projection * vec4(end, 1.0);
    vec2 d = (b.xy / b.w - a.xy / a.w) / pixel;
    vec2 side = length(d) > 1e-6 ? normalize(vec2(-d.y, d.x)) : vec2(0.0);
    vec4 p = mix(a, b, in_position.x);
    p.xy += side * in_position.y * 1.6 * pixel * p.w;
    color = tint;
    across = in_position.y;
    gl_Position = p;
}
