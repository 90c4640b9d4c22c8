//! A whole chain in one process: shops, PCs, a hub, people, a bad network and bad disks, all from
//! one seed on virtual time, over the machines that ship.
//!
//! What it is for: to find by millions of runs what no test thinks of. What makes it worth
//! believing: an oracle of the physical shelves beside the machines ([`physical`]), counters that
//! prove that each fault and each dangerous situation really occurred ([`coverage`]), planted
//! errors that it must find ([`mutant`]), and every seed run twice with the same trace ([`trace`]).
//! Nothing here may read a clock, a file or real randomness, and nothing may reach into a machine
//! other than by its methods.

mod check;
mod check_fencing;
mod check_orders;
pub mod coverage;
pub mod customers;
pub mod disk;
pub mod fate;
pub mod hunt;
mod life;
mod minds;
pub mod mutant;
mod network;
mod news;
pub mod pc;
pub mod people;
pub mod physical;
mod plant;
pub mod random;
pub mod replay;
mod rest;
pub mod run;
pub mod shop;
mod staff;
pub mod swarm;
pub mod trace;
pub mod violation;
pub mod world;
