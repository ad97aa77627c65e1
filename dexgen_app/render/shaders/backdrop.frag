#include tone.glsl
uniform vec3 eye;
uniform vec3 zenith, horizon, floor_color, grid_color;
uniform float grid_strength;
uniform float floor_height, floor_radius;
in vec2 screen;
in vec3 far_point;
out vec4 out_color;

float lines(vec2 p, float cell) {
    vec2 x = p / cell;
    vec2 w = fwidth(x);
    vec2 d = abs(fract(x - 0.5) - 0.5) / max(w, 1e-6);
    vec2 line = clamp(1.2 - d, 0.0, 1.0) * clamp(0.6 - w, 0.0, 1.0);
    return max(line.x, line.y);
}

void main() {
    vec3 ray = normalize(far_point - eye);
    float height = clamp(ray.z * 0.9 + 0.42, 0.0, 1.0);
    vec3 result = mix(horizon, zenith, height * height * (3.0 - 2.0 * height));
    result *= 1.0 - 0.16 * dot(screen, screen);  // vignette
    float t = (floor_height - eye.z) / ray.z;
    vec2 p = eye.xy + t * ray.xy;
    float fine = lines(p, 0.02), coarse = lines(p, 0.1);
    if (t > 0.0 && eye.z > floor_height) {
        float distance = length(p) / floor_radius;
        float fade = clamp(1.0 - distance, 0.0, 1.0);
        fade = fade * fade * (3.0 - 2.0 * fade);
        vec3 ground = mix(floor_color, grid_color,
                          grid_strength * max(fine * 0.28, coarse * 0.8) * fade);
        // A pool of light under the hand.
        ground *= 1.0 + 0.45 * fade * fade;
        result = mix(result, ground, fade);
    }
    // Ordered noise against banding.
    float noise = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    out_color = vec4(tone(result) + (noise - 0.5) / 255.0, 1.0);
}
