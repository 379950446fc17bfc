//! Prints the crystals of a shard: `cargo run --release --package mmpt-schemas --example read_shard -- SHARD`.

use std::error::Error;
use std::path::PathBuf;

use schemas::reader::Shard;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: read_shard SHARD")?;
    // Without settings to compare with, a shard with any cutoff and number of neighbours is read.
    let shard = Shard::open(&path, None)?;
    println!("{} crystals, neighbours within {} Å", shard.rows(), shard.settings().cutoff_angstrom);
    for batch in shard.crystals(None)? {
        let batch = batch?;
        for row in 0..batch.len() {
            let crystal = batch.row(row)?;
            let (sites, edges) = (crystal.atomic_numbers.len(), crystal.edges.distance.len());
            let nearest = crystal.edges.distance.iter().copied().fold(f32::INFINITY, f32::min);
            println!("{}: {sites} sites, {edges} edges, nearest {nearest:.3} Å", crystal.material_id);
        }
    }
    Ok(())
}
