// Shared by every program that draws links: one matrix and one tint a link.
const int MAX_LINKS = 128;
layout(std140) uniform Links {
    mat4 link_pose[MAX_LINKS];
    vec4 link_tint[MAX_LINKS];  // colour and how much it covers; for a ghost, w is its opacity
};
