//! Whole runs of claimlake, by its binary, and the rules that hold the crates apart.
//! One integration binary, a module per topic.

mod borders;
mod command;
mod documents;
mod import;
mod real_bodies;
mod usage;
mod view;
