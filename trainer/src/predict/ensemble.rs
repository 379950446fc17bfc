//! Predictions of an ensemble for batches of crystals.

use std::collections::BTreeSet;

use crystal::composition::conventional_formula;
use crystal::element::{SYMBOLS, symbol};
use schemas::settings::FeatureSettings;

use crate::data::{Graph, GraphBatch, Inputs};
use crate::finetune::domain::ModelDomain;
use crate::finetune::predictor::BatchPredictions;
use crate::predict::error::PredictError;
use crate::predict::left_out::{Entry, SharedLeftOut};
use crate::predict::model::{Member, Quantity};
use crate::predict::table::{Answer, Description, DomainRow, PredictedNumber, Row, Site};
use crate::report::classes::most_probable;
use crate::report::classes::temperature::Temperature;
use crate::report::interval::{self, COVERAGE};
use crate::statistics::MeanStd;
use crate::task::{TargetColumn, Transform};

/// Reason code of a crystal whose prediction is not finite.
const NOT_FINITE: &str = "prediction_not_finite";
/// Reason code of a crystal with an element that a model does not know.
const UNKNOWN_ELEMENT: &str = "element_without_features";

/// One or more models with the same task, unit and features.
pub(super) struct Ensemble<'a> {
    first: &'a Member,
    others: &'a [Member],
    /// Half of the width of the interval around a prediction of every target, in its unit, if all models have been
    /// calibrated; `[T]`.
    half_widths: Vec<Option<f64>>,
    /// Temperature of the probabilities of classes, if all models have been calibrated.
    temperature: Option<Temperature>,
}

impl<'a> Ensemble<'a> {
    /// Checks that the models agree.
    pub(super) fn new(members: &'a [Member]) -> Result<Self, PredictError> {
        let (first, others) = members.split_first().ok_or(PredictError::NoModels)?;
        others.iter().try_for_each(|other| first.require(other))?;
        let calibrations =
            members.iter().map(|member| member.calibration.clone()).collect::<Option<Vec<_>>>();
        let calibrations = calibrations.unwrap_or_default();
        let Quantity { targets, classes, per_site, .. } = &first.quantity;
        let half_width = |target| {
            let found = match per_site {
                true => interval::of_sites(&calibrations, COVERAGE),
                false => interval::interval(&calibrations, target, COVERAGE),
            };
            Some(found?.half_width)
        };
        Ok(Self {
            first,
            others,
            half_widths: (0..targets.len()).map(half_width).collect(),
            temperature: if classes.is_empty() { None } else { Temperature::of(&calibrations) },
        })
    }

    pub(super) fn features(&self) -> &FeatureSettings {
        &self.first.features
    }

    pub(super) fn graph(&self) -> Graph {
        self.first.graph
    }

    /// Returns the parts that the batches of all models need.
    pub(super) fn inputs(&self) -> Inputs {
        self.others.iter().fold(self.first.inputs, |inputs, other| inputs | other.inputs)
    }

    /// Returns the description for the table of predictions.
    pub(super) fn description(&self) -> Description {
        let members = std::iter::once(self.first).chain(self.others);
        Description {
            weights: members.map(|member| member.path.display().to_string()).collect(),
            quantity: self.first.quantity.clone(),
        }
    }

    /// Returns the first atomic number of every crystal of which a model has no features, `[B]`.
    fn unknown_elements(&self, graph: &GraphBatch<f32>) -> Vec<Option<u8>> {
        let last = self.inputs().last_element.unwrap_or(u8::MAX);
        let of_crystal = |atoms: &[u8]| atoms.iter().copied().find(|&number| number > last);
        of_crystals(graph, of_crystal)
    }

    /// Returns rows for the crystals of a batch in order. Crystals without a finite prediction, and those with elements
    /// that a model does not know, are left out.
    pub(super) fn predict(
        &self,
        graph: GraphBatch<f32>,
        left_out: &SharedLeftOut,
    ) -> Result<Vec<Row>, PredictError> {
        let formulas = of_crystals(&graph, conventional_formula);
        let unknown = self.unknown_elements(&graph);
        let identifiers = graph.material_ids.clone();
        let mut predictions = Vec::with_capacity(1 + self.others.len());
        for member in self.others {
            predictions.push(run(member, graph.clone())?);
        }
        let atomic_numbers = of_crystals(&graph, <[u8]>::to_vec);
        let sites = if self.first.quantity.per_site { of_crystals(&graph, sites) } else { Vec::new() };
        predictions.insert(0, run(self.first, graph)?);
        let domains = self.domains(&predictions, &atomic_numbers);
        let mut rows = Vec::with_capacity(identifiers.len());
        for (crystal, (material_id, formula)) in identifiers.into_iter().zip(formulas).enumerate() {
            if let Some(number) = unknown[crystal] {
                let message = format!("the models have no features of {} (Z = {number})", symbol(number));
                left_out.lock().push(&Entry::of_crystal(&material_id, UNKNOWN_ELEMENT, &message));
                continue;
            }
            let values: Vec<&[f64]> = predictions.iter().map(|model| &*model.targets[crystal]).collect();
            match self.answers(&values) {
                Some(answers) => rows.extend(answers.into_iter().enumerate().map(|(at, answer)| {
                    let (material_id, formula) = (material_id.clone(), formula.clone());
                    let site = sites.get(crystal).and_then(|sites| sites.get(at)).copied();
                    let domain = domains.get(crystal).cloned().flatten();
                    Row { material_id, formula, site, answer, domain }
                })),
                None => {
                    let message = format!("the models predict {values:?}");
                    left_out.lock().push(&Entry::of_crystal(&material_id, NOT_FINITE, &message));
                }
            }
        }
        Ok(rows)
    }

    /// Returns how the crystals of a batch compare with the training crystals of all models, `[B]`; nothing unless all
    /// models have a record of them.
    fn domains(
        &self,
        predictions: &[BatchPredictions],
        atomic_numbers: &[Vec<u8>],
    ) -> Vec<Option<DomainRow>> {
        let members = std::iter::once(self.first).chain(self.others);
        let domains: Option<Vec<&ModelDomain>> = members.map(|member| member.domain.as_ref()).collect();
        let Some(domains) = domains else { return Vec::new() };
        let distances = domains.iter().zip(predictions);
        let distances: Vec<Vec<Option<f64>>> = distances
            .map(|(domain, predictions)| {
                let atomic_numbers = atomic_numbers.iter().map(Vec::as_slice);
                domain.distances(&predictions.embeddings, predictions.width(), atomic_numbers)
            })
            .collect();
        let limit = domains.iter().map(|domain| domain.limit()).sum::<f64>() / domains.len() as f64;
        let of_crystal = |(crystal, atomic_numbers): (usize, &Vec<u8>)| {
            let of_models = distances.iter().map(|distances| distances.get(crystal).copied().flatten());
            let of_models: Vec<f64> = of_models.collect::<Option<_>>()?;
            let distance = of_models.iter().sum::<f64>() / of_models.len() as f64;
            let is_unseen = |number: &&u8| domains.iter().all(|domain| !domain.elements().contains(number));
            let elements: BTreeSet<u8> = atomic_numbers.iter().copied().collect();
            let unseen =
                elements.iter().filter(is_unseen).filter_map(|number| SYMBOLS.get(usize::from(*number)));
            let unseen: Vec<&str> = unseen.copied().collect();
            let is_outside = !unseen.is_empty() || distance > limit;
            Some(DomainRow { distance, unseen_elements: unseen.join(" "), is_outside })
        };
        atomic_numbers.iter().enumerate().map(of_crystal).collect()
    }

    /// Returns what the models predict for a crystal, from their outputs `[M][K]`, or for its sites, from `[M][nsites]`;
    /// `None` if a number is not finite.
    fn answers(&self, models: &[&[f64]]) -> Option<Vec<Answer>> {
        let of_output = |output: usize| -> Option<Vec<f64>> {
            models.iter().map(|outputs| outputs.get(output).copied()).collect()
        };
        let Quantity { targets, classes, per_site, .. } = &self.first.quantity;
        if let (true, [target], [half_width]) = (*per_site, &targets[..], &self.half_widths[..]) {
            let count = models.iter().map(|sites| sites.len()).max().unwrap_or(0);
            let site = |site| number(0, target.transform, &of_output(site)?, *half_width).map(Answer::Number);
            return (0..count).map(site).collect();
        }
        if classes.is_empty() {
            let targets = targets.iter().zip(&self.half_widths).enumerate();
            let number = |(index, (target, half_width)): (usize, (&TargetColumn, &Option<f64>))| {
                number(index, target.transform, &of_output(index)?, *half_width).map(Answer::Number)
            };
            return targets.map(number).collect();
        }
        let spreads = (0..classes.len()).map(|class| MeanStd::of(&of_output(class)?));
        let spreads: Vec<MeanStd> = spreads.collect::<Option<_>>()?;
        let means: Vec<f64> = spreads.iter().map(|spread| spread.mean).collect();
        let deviation = spreads.get(most_probable(&means)).and_then(|spread| spread.std);
        let probabilities =
            self.temperature.map_or_else(|| means.clone(), |temperature| temperature.apply(&means));
        let is_finite = probabilities.iter().chain(&deviation).all(|number| number.is_finite());
        is_finite.then_some(vec![Answer::Class { probabilities, deviation }])
    }
}

/// Returns the prediction of a target from those of several models in its unit; `None` if it is not finite.
///
/// The deviation is that of the numbers in the unit of the property.
fn number(
    target: usize,
    transform: Transform,
    values: &[f64],
    half_width: Option<f64>,
) -> Option<PredictedNumber> {
    let MeanStd { mean, std: deviation } = MeanStd::of(values)?;
    let ends = half_width.map(|half| [mean - half, mean + half].map(|end| transform.invert(end)));
    let number = match transform {
        Transform::None => {
            PredictedNumber { target, prediction: mean, deviation, interval: ends, transformed: None }
        }
        Transform::Log10 | Transform::Log1p | Transform::Sqrt => {
            let inverted: Vec<f64> = values.iter().map(|value| transform.invert(*value)).collect();
            PredictedNumber {
                target,
                prediction: transform.invert(mean),
                deviation: MeanStd::of(&inverted)?.std,
                interval: ends,
                transformed: Some(mean),
            }
        }
    };
    let numbers = [Some(number.prediction), number.deviation, number.transformed].into_iter().flatten();
    numbers.chain(ends.into_iter().flatten()).all(f64::is_finite).then_some(number)
}

/// Returns the predictions of one model.
fn run(member: &Member, graph: GraphBatch<f32>) -> Result<BatchPredictions, PredictError> {
    let expected = graph.crystals();
    let values = (member.predict)(graph);
    if values.targets.len() != expected {
        return Err(PredictError::PredictionCount {
            path: member.path.clone(),
            found: values.targets.len(),
            expected,
        });
    }
    Ok(values)
}

/// Returns the sites of a crystal by their atomic numbers.
fn sites(atomic_numbers: &[u8]) -> Vec<Site> {
    let site = |(index, number): (usize, &u8)| Site { index, element: symbol(*number) };
    atomic_numbers.iter().enumerate().map(site).collect()
}

/// Returns what the atomic numbers of every crystal say, `[B]`.
fn of_crystals<T>(graph: &GraphBatch<f32>, say: impl Fn(&[u8]) -> T) -> Vec<T> {
    let atomic_numbers = graph.atomic_numbers_as_bytes();
    let crystals = graph.atom_offsets.windows(2);
    crystals.map(|atoms| say(atomic_numbers.get(atoms[0]..atoms[1]).unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_the_unit_of_the_property() {
        let plain = number(1, Transform::None, &[1.0, 3.0], Some(0.5)).expect("finite");
        let expected = PredictedNumber {
            target: 1,
            prediction: 2.0,
            deviation: Some(1.0),
            interval: Some([1.5, 2.5]),
            transformed: None,
        };
        assert_eq!(plain, expected);
        let logarithms = number(0, Transform::Log10, &[1.0, 3.0], Some(1.0)).expect("finite");
        let expected = PredictedNumber {
            target: 0,
            prediction: 100.0,
            deviation: Some(495.0),
            interval: Some([10.0, 1000.0]),
            transformed: Some(2.0),
        };
        assert_eq!(logarithms, expected);
        assert_eq!(number(0, Transform::Log10, &[400.0], None), None, "it overflows");
        assert_eq!(number(0, Transform::None, &[f64::NAN], None), None);
    }
}
