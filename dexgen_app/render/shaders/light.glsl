#include tone.glsl
// Shared by the programs that shade surfaces.
uniform vec3 eye;
uniform vec3 key_direction, fill_direction;
uniform vec3 key_color, fill_color, sky_color, ground_color, rim_color;
#ifdef SHADOWS
uniform sampler2DShadow shadow_map;
uniform float shadow_texel;  // size of a texel of the shadow map
#endif

// Share of the key light at a place in the shadow map; two or four taps round it. A program
// without shadows does not sample at all: software drawing pays for both sides of a branch.
float lit2(vec3 position, float spread) {
#ifdef SHADOWS
    vec3 p = vec3(position.xy, min(position.z, 0.9999));
    float r = shadow_texel * spread;
    return 0.5 * (texture(shadow_map, p + vec3(-0.5, 0.5, 0.0) * r)
                + texture(shadow_map, p + vec3(0.5, -0.5, 0.0) * r));
#else
    return 1.0;
#endif
}

float lit4(vec3 position, float spread) {
#ifdef SHADOWS
    vec3 p = vec3(position.xy, min(position.z, 0.9999));
    float r = shadow_texel * spread;
    return 0.25 * (texture(shadow_map, p + vec3(-0.4, 0.9, 0.0) * r)
                 + texture(shadow_map, p + vec3(0.9, 0.4, 0.0) * r)
                 + texture(shadow_map, p + vec3(0.4, -0.9, 0.0) * r)
                 + texture(shadow_map, p + vec3(-0.9, -0.4, 0.0) * r));
#else
    return 1.0;
#endif
}
