#include tone.glsl
// Shared by the programs that shade surfaces.
uniform vec3 eye;
uniform vec3 key_direction, fill_direction;
uniform vec3 key_color, fill_color, sky_color, ground_color, rim_color;
uniform sampler2DShadow shadow_map;
uniform float shadow_texel;  // size of a texel of the shadow map; 0 without shadows

float lit(vec3 position, float spread) {
    if (shadow_texel == 0.0) return 1.0;
    vec3 p = vec3(position.xy, min(position.z, 0.9999));
    float r = shadow_texel * spread;
    return 0.25 * (texture(shadow_map, p + vec3(-0.4, 0.9, 0) * r)
                 + texture(shadow_map, p + vec3(0.9, 0.4, 0) * r)
                 + texture(shadow_map, p + vec3(0.4, -0.9, 0) * r)
                 + texture(shadow_map, p + vec3(-0.9, -0.4, 0) * r));
}
