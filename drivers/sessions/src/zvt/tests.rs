//! Single turns of the dialogue; the whole dialogue against the terminal is tested in the simulator's
//! crate.
