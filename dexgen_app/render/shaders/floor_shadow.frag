#include light.glsl
uniform float floor_radius, shadow_strength;
in vec3 shadow_position;
in vec2 place;
out vec4 out_color;

void main() {
    float fade = clamp(1.0 - length(place) / floor_radius, 0.0, 1.0);
    float shadow = 0.4 * lit4(shadow_position, 2.0) + 0.6 * lit4(shadow_position, 7.0);
    out_color = vec4(1.0 - shadow_strength * (1.0 - shadow) * fade);
}
