//! How scanners deliver texts.
