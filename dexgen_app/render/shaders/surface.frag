#include light.glsl
uniform vec4 occluder;  // sphere round the object: centre and radius; radius 0 without one
uniform int object_link;
uniform int highlight_link;
uniform vec3 highlight_color;
in vec3 position;
in vec3 normal;
in vec4 color;
in vec3 shadow_position;
in float openness;
flat in int link;
out vec4 out_color;

void main() {
    vec3 n = normalize(normal);
    vec3 v = normalize(eye - position);
    float nv = clamp(dot(n, v), 0.0, 1.0);
    float nl = dot(n, key_direction);
    float shadow = lit2(shadow_position, 1.0);
    float open = openness;
    if (link != object_link && occluder.w > 0.0) {
        // Occlusion by a sphere, after I. Quilez.
        vec3 d = occluder.xyz - position;
        float l = length(d);
        float s = occluder.w / max(l, occluder.w);
        open *= 1.0 - 0.75 * clamp(0.5 + 0.5 * dot(n, d) / l, 0.0, 1.0) * s * s;
    }
    vec3 hemisphere = mix(ground_color, sky_color, 0.5 + 0.5 * n.z);
    float wrap = 0.5 + 0.5 * dot(n, fill_direction);
    vec3 light = hemisphere * open + fill_color * wrap * wrap * (0.4 + 0.6 * open);
    light += key_color * max(nl, 0.0) * shadow;
    vec3 result = color.rgb * light * 0.62;

    float gloss = color.a;
    float power = exp2(2.0 + 6.5 * gloss);
    vec3 h = normalize(key_direction + v);
    float f = 0.04 + 0.5 * gloss * pow(1.0 - clamp(dot(h, v), 0.0, 1.0), 5.0);
    result += key_color * shadow * max(nl, 0.0) * f * (power + 8.0) * 0.04
              * pow(max(dot(n, h), 0.0), power);
    // A broad sheen: the sky, mirrored at grazing angles.
    float edge = 1.0 - nv;
    float grazing = edge * edge * edge;
    vec3 mirrored = reflect(-v, n);
    result += rim_color * grazing * (0.25 + 0.75 * smoothstep(-0.4, 0.8, mirrored.z))
              * (0.15 + 0.35 * gloss) * open;
    if (link == highlight_link) result = mix(result, highlight_color, 0.42 + 0.5 * grazing);
    out_color = vec4(tone(result), 1.0);
}
