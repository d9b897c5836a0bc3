//! Every kind of file of a data directory, damaged in every way: `verify` names it, the commands that
//! it prints are run word by word, and then it finds nothing wrong and the tables are as they were.
//!
//! Files of several kinds are damaged at once where one repair serves all; what damages each other is
//! damaged one by one.

mod damage;
mod lake;
mod landing;
mod scene;
mod waiting;
