#include links.glsl
uniform mat4 view_projection;
uniform float setback;
invariant gl_Position;  // equal in both passes of a ghost
in vec3 in_position;
in uint in_link;
flat out int link;

void main() {
    link = int(in_link);
    vec4 place = link_pose[link] * vec4(in_position, 1.0);
    gl_Position = view_projection * place;
    gl_Position.z += setback * gl_Position.w;
    if (setback > 0.0 && link_tint[link].a <= 0.0) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
}
