#include links.glsl
uniform mat4 view_projection;
uniform mat4 light_projection;  // to shadow map coordinates, 0 to 1
in vec3 in_position;
in vec3 in_normal;
in vec4 in_color;  // sRGB and gloss
in float in_openness;
in uint in_link;
out vec3 position;
out vec3 normal;
out vec4 color;
out vec3 shadow_position;
out float openness;
flat out int link;

void main() {
    link = int(in_link);
    mat4 pose = link_pose[link];
    position = (pose * vec4(in_position, 1.0)).xyz;
    normal = mat3(pose) * in_normal;
    vec3 c = mix(in_color.rgb, link_tint[link].rgb, link_tint[link].a);
    color = vec4(c * c, in_color.a);
    openness = in_openness;
    shadow_position = (light_projection * vec4(position + normal * 0.0012, 1.0)).xyz;
    gl_Position = view_projection * vec4(position, 1.0);
}
