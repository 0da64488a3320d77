//! The simulator as its users meet it: over HTTP, with a receiver of its own.

mod answers;
mod delivery;
mod journeys;
mod world;
