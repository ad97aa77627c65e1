uniform mat4 view_projection;
in vec3 in_position;
in vec3 in_normal;
in vec3 at;       // where the marker starts
in vec3 along;    // its axis, with its length
in float width;   // its thickness relative to a unit mesh
in vec4 tint;
out vec3 normal;
out vec3 position;
out vec4 color;

void main() {
    float length_ = length(along);
    vec3 z = length_ > 0.0 ? along / length_ : vec3(0, 0, 1);
    vec3 x = normalize(cross(abs(z.z) < 0.9 ? vec3(0, 0, 1) : vec3(1, 0, 0), z));
    mat3 turn = mat3(x, cross(z, x), z);
    position = at + turn * (in_position * vec3(width, width, length_));
    normal = turn * in_normal;
    color = tint;
    gl_Position = view_projection * vec4(position, 1.0);
}
