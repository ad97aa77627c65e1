#include links.glsl
uniform mat4 view_projection;
uniform float setback;
invariant gl_Position;  // equal in both passes of a ghost
in vec3 in_position;
in vec3 in_normal;
in uint in_link;
out vec3 position;
out vec3 normal;
flat out float opacity;

void main() {
    int link = int(in_link);
    mat4 pose = link_pose[link];
    opacity = link_tint[link].a;
    vec4 place = pose * vec4(in_position, 1.0);
    position = place.xyz;
    normal = mat3(pose) * in_normal;
    gl_Position = view_projection * place;
    // Behind a measured surface that it coincides with; gone where the two hands agree.
    gl_Position.z += setback * gl_Position.w;
    if (opacity <= 0.0) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
}
