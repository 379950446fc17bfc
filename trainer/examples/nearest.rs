//! Finds the crystal of a store that an encoder takes for the most similar to the first one:
//! `cargo run --release --package mmpt-trainer --example nearest -- WEIGHTS STORE`.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use trainer::config::DataConfig;
use trainer::data::{Selection, Sources, Stream, StreamSettings, Subset};
use trainer::device::DeviceName;
use trainer::model::head::pool;
use trainer::model::{Batch, Encoder, Pass};
use trainer::pretrain::load::load_encoder;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(weights), Some(store)) = (arguments.next(), arguments.next()) else {
        return Err("usage: nearest WEIGHTS STORE".into());
    };
    let device = DeviceName::Cpu.open()?;
    let loaded = load_encoder(&PathBuf::from(weights), &device.clone().autodiff())?;
    let data = DataConfig { shards: vec![store], ..DataConfig::default() };
    let sources = Arc::new(Sources::resolve(&data.shards, Some(&loaded.description.features))?);
    let settings = StreamSettings {
        graph: loaded.description.model.graph(),
        inputs: Encoder::inputs(&loaded.description.model),
        ..data.in_order()
    };

    let mut crystals: Vec<(String, Vec<f32>)> = Vec::new();
    for graph in Stream::<f32>::open(&Selection::new(&sources, Subset::All)?, settings)? {
        let graph = graph?;
        let names = graph.material_ids.clone();
        let batch = Batch::new(graph, None, sources.settings().cutoff_angstrom, &device);
        // The mean over its atoms, shape [B, width], stands for a crystal.
        let mean = pool(loaded.encoder.encode(&batch, &mut Pass::evaluation()).atoms, &batch).mean;
        let width = mean.dims()[1];
        let numbers: Vec<f32> = mean.into_data().iter::<f32>().collect();
        crystals.extend(names.into_iter().zip(numbers.chunks(width).map(<[f32]>::to_vec)));
    }

    let Some(((name, first), others)) = crystals.split_first() else { return Err("an empty store".into()) };
    let distance = |other: &[f32]| -> f32 { first.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum() };
    let nearest = others.iter().min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)));
    let (other, embedding) = nearest.ok_or("a store of one crystal")?;
    println!("{other} is nearest to {name}, at {:.4}", distance(embedding).sqrt());
    Ok(())
}
