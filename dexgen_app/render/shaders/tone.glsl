// Filmic curve of J. Hejl, as fitted by its author with gamma included: no pow() a pixel.
vec3 tone(vec3 x) {
    x = max(x - 0.004, 0.0);
    return (x * (6.2 * x + 0.5)) / (x * (6.2 * x + 1.7) + 0.06);
}
