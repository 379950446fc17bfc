//! Whole-binary tests: what a user types, and what then lies in the folder of the run.

mod about;
mod bench;
mod commands;
mod compare;
mod corpus;
mod damage;
mod denoise;
mod determinism;
#[cfg(feature = "tch")]
mod device;
#[path = "../common/disk.rs"]
mod disk;
mod divergence;
mod duplicates;
mod earlier;
mod embed;
mod finetune;
mod finetune_again;
mod finetune_property;
mod isolated;
mod map;
mod methods;
mod neighbours;
mod options;
#[cfg(unix)]
mod outputs;
mod predict;
mod pretrain;
#[path = "../common/programs.rs"]
mod programs;
mod python;
mod ranks;
mod refusals;
mod resume;
#[path = "../common/server.rs"]
mod server;
mod sites;
mod stores;
mod support;
mod systems;
mod targets;
mod tensorboard;
mod verify;
mod weights;
