uniform sampler2D plate;
out vec4 out_color;

void main() {
    out_color = texelFetch(plate, ivec2(gl_FragCoord.xy), 0);
}
