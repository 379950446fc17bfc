//! Prints the Niggli cell of every structure in a CIF, and the neighbours of its atoms.
//!
//! ```text
//! cargo run --release --package mmpt-crystal --example neighbours data/sample/KF-rocksalt.cif
//! ```

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use crystal::cif::CifReader;
use crystal::composition::conventional_formula;
use crystal::element::symbol;
use crystal::feature::{FeatureError, FeatureOptions, Featuriser};
use crystal::structure::Structure;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).map(PathBuf::from).ok_or("usage: neighbours FILE.cif")?;
    let cif = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut featuriser = Featuriser::new(&FeatureOptions::default());
    let mut result = Ok(());
    CifReader::new().read(&cif, &mut |block, found| {
        let printed = match found {
            Ok(structure) => print_crystal(structure, &mut featuriser).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = printed {
            result = Err(format!("{}, block {:?}: {error}", path.display(), block.name).into());
        }
    });
    result
}

fn print_crystal(structure: &Structure, featuriser: &mut Featuriser) -> Result<(), FeatureError> {
    let features = featuriser.featurise(structure)?;
    let numbers = &structure.atomic_numbers;
    println!("{}, {} sites, {:.3} Å³", conventional_formula(numbers), numbers.len(), features.volume);
    let [a, b, c, alpha, beta, gamma] = features.parameters;
    println!("a, b, c = {a:.5}, {b:.5}, {c:.5} Å; alpha, beta, gamma = {alpha:.3}, {beta:.3}, {gamma:.3}°");
    let edges = &features.edges;
    let columns = edges.target.iter().zip(&edges.source).zip(&edges.distance).zip(&edges.direction);
    for (edge, (((&target, &source), distance), direction)) in columns.enumerate() {
        let [centre, neighbour] = [target, source].map(|site| symbol(numbers[site as usize]));
        let [k1, k2, k3] = edges.image_of(edge).unwrap_or_default();
        println!(
            "{centre}{target} <- {neighbour}{source} in cell ({k1}, {k2}, {k3}): {distance:.5} Å, direction {direction}"
        );
    }
    Ok(())
}
