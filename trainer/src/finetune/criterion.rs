//! What fine-tuning minimises: errors of standardised numbers, or the cross entropy of classes.

use burn::prelude::*;
use burn::tensor::activation::log_softmax;

use super::error_loss::ErrorLoss;
use super::standardisation::Standardisation;
use crate::config::FinetuneConfig;
use crate::config::finetune::ClassWeights;
use crate::ops::upload;
use crate::run::step::{HUBER, MSE, TOTAL, Titles};
use crate::task::Labelled;

/// Criterion of a fine-tuning with K outputs.
///
/// * For numbers, `mean_b mean_t w_bt ℓ(e_bt)` of the errors `e_bt = ŷ_bt − (y_bt − mean_t)/std_t`. The weight w_bt is 0
///   where crystal b lacks target t. Otherwise it is the inverse of the share of the part's crystals that have the target,
///   so that every target counts alike; targets that no crystal of the part has do not count. K is the number of targets. The loss ℓ(e) of an error is, by
///   [`Loss`](crate::config::finetune::Loss),
///   * `|e|` for `Loss::L1` and `e²` for `Loss::Mse`,
///   * `e²/2` where `|e| ≤ δ` and `δ (|e| − δ/2)` elsewhere for `Loss::Huber`,
///   * `max(−τ e, (1 − τ) e)` for the quantile τ of `Loss::Quantile`.
/// * For a number of every site, the first of these with sites in the place of crystals: the mean is over all sites of the
///   batch, and K is 1.
/// * For classes, `−mean_b w_c ln softmax(ŷ_b)_c` with c the class of crystal b. The weight w_c is 1 or, balanced,
///   n / (K n_c) for n training crystals of which n_c are of the class. K is the number of classes.
#[derive(Debug, Clone)]
pub struct Criterion {
    kind: Kind,
    /// Whether every site has an output.
    per_site: bool,
    /// Weight of every output where it counts, `[K]`.
    weights: Vec<f64>,
    /// The same for the validation part.
    validation_weights: Vec<f64>,
    /// Loss of the best constant outputs for the training part, as it is reported.
    constant: Option<f64>,
}

#[derive(Debug, Clone)]
enum Kind {
    Numbers {
        standardisation: Vec<Standardisation>,
        loss: ErrorLoss,
        /// What the reported loss is.
        reported: String,
    },
    Classes,
}

/// Targets of a batch.
#[derive(Debug)]
pub struct Targets {
    /// Standardised targets, 0 where one is absent; of classes, 1 for the crystal's and 0 for the others. Shape `[B, K]`,
    /// of sites `[N, 1]`.
    pub values: Tensor<2>,
    /// Weights, of the same shape; `None` if all are 1.
    pub weights: Option<Tensor<2>>,
}

impl Criterion {
    /// Creates the criterion of the numbers of a training part.
    pub fn of_numbers(train: &[Labelled], config: &FinetuneConfig) -> Self {
        let count = train.first().map_or(1, |crystal| crystal.targets.len());
        let columns = (0..count).map(|target| Labelled::present(train, target)).collect();
        Self::of_columns(columns, train.len(), config)
    }

    /// Creates the criterion of the numbers of the sites of a training part.
    pub fn of_sites(train: &[Labelled], config: &FinetuneConfig) -> Self {
        let sites: Vec<f64> = train.iter().flat_map(|crystal| crystal.targets.iter().copied()).collect();
        let count = sites.len();
        Self { per_site: true, ..Self::of_columns(vec![sites], count, config) }
    }

    /// Creates the criterion of columns of numbers, some of which lack a number for some of the `rows`.
    fn of_columns(columns: Vec<Vec<f64>>, rows: usize, config: &FinetuneConfig) -> Self {
        let count = columns.len();
        let standardisation: Vec<Standardisation> =
            columns.iter().map(|column| Standardisation::of(column, config.standardise)).collect();
        let loss = ErrorLoss::of(config);
        let errors = columns.iter().zip(&standardisation).map(|(column, standardisation)| {
            Some(loss.of_best_constant(column)? / if count == 1 { 1.0 } else { standardisation.std })
        });
        let errors: Option<Vec<f64>> = errors.collect();
        let weights = weights_of(columns.iter().map(Vec::len), rows);
        Self {
            kind: Kind::Numbers { standardisation, loss, reported: config.reported_loss() },
            per_site: false,
            validation_weights: weights.clone(),
            weights,
            constant: errors.map(|errors| errors.iter().sum::<f64>() / count as f64),
        }
    }

    /// Creates the criterion of the classes of a training part.
    pub fn of_classes(train: &[Labelled], classes: usize, config: &FinetuneConfig) -> Self {
        let mut counts = vec![0_usize; classes];
        for index in train.iter().filter_map(Labelled::class) {
            if let Some(count) = counts.get_mut(index) {
                *count += 1;
            }
        }
        let weight = |count: &usize| match config.class_weights {
            ClassWeights::None => 1.0,
            ClassWeights::Balanced => train.len() as f64 / (classes * (*count).max(1)) as f64,
        };
        let weights: Vec<f64> = counts.iter().map(weight).collect();
        // Σ_c n_c w_c (−ln q_c) / n is least for q_c in proportion to n_c w_c.
        let parts = counts.iter().zip(&weights).map(|(&count, weight)| count as f64 * weight);
        let parts: Vec<f64> = parts.filter(|part| *part > 0.0).collect();
        let sum: f64 = parts.iter().sum();
        let constant = parts.iter().map(|part| -part * (part / sum).ln()).sum::<f64>() / train.len() as f64;
        let constant = Some(constant).filter(|loss| loss.is_finite());
        Self { kind: Kind::Classes, per_site: false, validation_weights: weights.clone(), weights, constant }
    }

    /// Weighs the numbers of validation crystals by how many of these have each target, so that the loss of the validation part
    /// is the mean over its targets, too.
    pub fn with_validation(self, validation: &[Labelled]) -> Self {
        match self.kind {
            Kind::Numbers { .. } if !self.per_site => {
                let counts = (0..self.outputs()).map(|target| Labelled::present(validation, target).len());
                Self { validation_weights: weights_of(counts, validation.len()), ..self }
            }
            _ => self,
        }
    }

    /// Whether every site has an output. Means are over sites then, and over crystals otherwise.
    pub fn per_site(&self) -> bool {
        self.per_site
    }

    /// Returns the number of outputs K.
    pub fn outputs(&self) -> usize {
        self.weights.len()
    }

    /// Returns the standardisation of every target; none for classes.
    pub fn standardisation(&self) -> &[Standardisation] {
        match &self.kind {
            Kind::Numbers { standardisation, .. } => standardisation,
            Kind::Classes => &[],
        }
    }

    /// Returns the loss of the best constant outputs for the training part, in the unit of the reported one; `None` without
    /// crystals.
    pub fn constant(&self) -> Option<f64> {
        self.constant
    }

    /// Returns the targets of training or validation crystals for a batch, from those of [`Labelled`].
    pub fn targets<'a>(
        &self,
        crystals: impl Iterator<Item = &'a [f64]>,
        of_validation: bool,
        device: &Device,
    ) -> Targets {
        let outputs = self.outputs();
        let of_outputs = if of_validation { &self.validation_weights } else { &self.weights };
        let (mut values, mut weights): (Vec<f32>, Vec<f32>) = (Vec::new(), Vec::new());
        let size = |targets: &[f64]| if self.per_site { 1 } else { targets.len().max(1) };
        for targets in crystals.flat_map(|targets| targets.chunks(size(targets))) {
            match &self.kind {
                Kind::Numbers { standardisation, .. } => {
                    for ((target, Standardisation { mean, std }), weight) in
                        targets.iter().zip(standardisation).zip(of_outputs)
                    {
                        let is_absent = target.is_nan();
                        values.push(if is_absent { 0.0 } else { ((target - mean) / std) as f32 });
                        weights.push(if is_absent { 0.0 } else { *weight as f32 });
                    }
                }
                Kind::Classes => {
                    let class = targets.first().map_or(0, |index| *index as usize);
                    values.extend((0..outputs).map(|output| f32::from(u8::from(output == class))));
                    weights.extend(of_outputs.iter().map(|weight| *weight as f32));
                }
            }
        }
        let tensor = |numbers: Vec<f32>| {
            let count = numbers.len() / outputs;
            upload::floats(numbers, device).reshape([count, outputs])
        };
        let is_weighted = weights.iter().any(|weight| *weight != 1.0);
        Targets { values: tensor(values), weights: is_weighted.then(|| tensor(weights)) }
    }

    /// Returns the loss of outputs `[B, K]`, of sites `[N, 1]`, and the terms to report by name, [`TOTAL`] first; `[1]` each.
    /// They are means over the crystals or sites.
    pub(super) fn losses(
        &self,
        outputs: Tensor<2>,
        targets: &Targets,
    ) -> (Tensor<1>, Vec<(&'static str, Tensor<1>)>) {
        let weighted = |errors: Tensor<2>| match &targets.weights {
            Some(weights) => (errors * weights.clone()).mean(),
            None => errors.mean(),
        };
        match self.kind {
            Kind::Numbers { loss, .. } => {
                let errors = outputs - targets.values.clone();
                let reported = weighted(loss.reported(errors.clone()));
                match loss.trained(errors) {
                    None => (reported.clone(), vec![(TOTAL, reported)]),
                    Some((name, losses)) => {
                        let trained = weighted(losses);
                        (trained.clone(), vec![(TOTAL, reported), (name, trained)])
                    }
                }
            }
            Kind::Classes => {
                let of_class = log_softmax(outputs, 1) * targets.values.clone();
                let entropy = weighted(of_class) * -(self.outputs() as f64);
                (entropy.clone(), vec![(TOTAL, entropy)])
            }
        }
    }

    /// Returns what the reported losses are, by name. The unit of a single target's error comes behind its title.
    pub(super) fn titles(&self) -> Titles {
        let Kind::Numbers { standardisation, reported, .. } = &self.kind else {
            return Titles::from([(TOTAL, "Cross entropy, nats".to_owned())]);
        };
        let mut letters = reported.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        let reported: String = first.into_iter().chain(letters).collect();
        let unit = if standardisation.len() > 1 { ", standard deviations" } else { "" };
        Titles::from([
            (TOTAL, reported + unit),
            (MSE, "Mean squared error, variances".to_owned()),
            (HUBER, "Huber loss, variances".to_owned()),
        ])
    }

    /// Returns the factor from the first term of [`Criterion::losses`] to the reported loss: a single target is
    /// reported in its unit.
    pub(super) fn factor(&self) -> f64 {
        match self.standardisation() {
            [single] => single.std,
            _ => 1.0,
        }
    }
}

/// Returns the weights by which the mean of weighted losses over n crystals and K targets is the mean of the targets' own means,
/// `n K / (K' n_t)` for n_t crystals with target t. K' is the number of targets that any crystal has.
fn weights_of(counts: impl Iterator<Item = usize>, crystals: usize) -> Vec<f64> {
    let counts: Vec<usize> = counts.collect();
    let present = counts.iter().filter(|count| **count > 0).count().max(1);
    let weight = |count: usize| crystals as f64 * counts.len() as f64 / (present * count.max(1)) as f64;
    counts.iter().map(|&count| weight(count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::finetune::{Loss, Standardise};

    fn labelled(targets: &[&[f64]]) -> Vec<Labelled> {
        let crystal = |targets: &&[f64]| Labelled { material_id: String::new(), targets: targets.to_vec() };
        targets.iter().map(crystal).collect()
    }

    fn numbers<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
        tensor.to_data().iter::<f64>().collect()
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
    }

    #[test]
    fn sites_count_alike_in_crystals_of_any_size() {
        let device = Device::flex();
        let train = labelled(&[&[1.0], &[3.0, 5.0, 7.0]]);
        let criterion = Criterion::of_sites(&train, &FinetuneConfig::default());
        let standardisation = criterion.standardisation()[0];
        assert_eq!(standardisation, Standardisation { mean: 4.0, std: 5.0_f64.sqrt() });
        assert!(criterion.per_site() && criterion.outputs() == 1);
        assert_eq!(criterion.constant(), Some(2.0), "the mean distance from the median, 4");
        let targets = criterion.targets(train.iter().map(|crystal| &*crystal.targets), false, &device);
        assert_eq!(targets.values.dims(), [4, 1]);
        assert!(targets.weights.is_none());
        let (loss, terms) = criterion.losses(Tensor::zeros([4, 1], &device), &targets);
        close(numbers(&loss)[0], 2.0 / 5.0_f64.sqrt());
        close(numbers(&terms[0].1)[0] * criterion.factor(), 2.0);
    }

    #[test]
    fn the_loss_of_a_part_is_the_mean_over_its_targets() {
        let nan = f64::NAN;
        let train = labelled(&[&[0.0, 0.0], &[0.0, nan], &[0.0, nan], &[0.0, nan]]);
        let config = FinetuneConfig { standardise: Standardise::None, ..FinetuneConfig::default() };
        let device = Device::flex();
        for (validation, expected) in [
            (labelled(&[&[1.0, 4.0], &[3.0, 6.0], &[nan, 8.0], &[nan, 10.0]]), (2.0 + 7.0) / 2.0),
            // None has the second target.
            (labelled(&[&[1.0, nan], &[3.0, nan]]), 2.0),
        ] {
            let criterion = Criterion::of_numbers(&train, &config).with_validation(&validation);
            let crystals = || validation.iter().map(|crystal| &*crystal.targets);
            let loss = |of_validation| {
                let targets = criterion.targets(crystals(), of_validation, &device);
                numbers(&criterion.losses(Tensor::zeros([validation.len(), 2], &device), &targets).0)[0]
            };
            close(loss(true), expected);
            assert_ne!(loss(false), loss(true), "the shares of the training part are others");
        }
    }

    #[test]
    fn an_absent_target_counts_nothing_and_the_others_more() {
        let nan = f64::NAN;
        let train = labelled(&[&[1.0, 10.0], &[3.0, nan], &[5.0, 30.0], &[7.0, nan]]);
        let config = FinetuneConfig { standardise: Standardise::None, ..FinetuneConfig::default() };
        let criterion = Criterion::of_numbers(&train, &config);
        assert_eq!((criterion.outputs(), criterion.factor()), (2, 1.0));
        // Medians 4 and 20: mean absolute errors 2 and 10.
        close(criterion.constant().expect("there are crystals"), 6.0);
        let device = Device::flex();
        let targets = criterion.targets(train.iter().map(|crystal| &*crystal.targets), false, &device);
        let weights = targets.weights.as_ref().expect("some are absent");
        assert_eq!(numbers(weights), [1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0]);
        let outputs = Tensor::<1>::from_floats([2.0, 10.0, 3.0, 999.0, 5.0, 34.0, 3.0, -999.0], &device);
        let (loss, terms) = criterion.losses(outputs.reshape([4, 2]), &targets);
        // Mean errors (1 + 0 + 0 + 4) / 4 and (0 + 4) / 2, and their mean.
        close(numbers(&loss)[0], 1.625);
        assert_eq!(terms.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [TOTAL]);
    }

    #[test]
    fn one_target_is_reported_in_its_unit() {
        let train = labelled(&[&[1.0], &[5.0]]);
        let config = FinetuneConfig { loss: Loss::Mse, ..FinetuneConfig::default() };
        let criterion = Criterion::of_numbers(&train, &config);
        assert_eq!((criterion.factor(), criterion.constant()), (2.0, Some(2.0)));
        let device = Device::flex();
        let targets = criterion.targets(train.iter().map(|crystal| &*crystal.targets), false, &device);
        assert!(targets.weights.is_none());
        let (loss, terms) = criterion.losses(Tensor::zeros([2, 1], &device), &targets);
        close(numbers(&loss)[0], 1.0);
        assert_eq!(terms.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [TOTAL, MSE]);
    }

    #[test]
    fn losses_of_errors_are_those_of_the_textbook() {
        let train = labelled(&[&[0.0], &[0.0], &[0.0], &[0.0]]);
        let device = Device::flex();
        let errors: [f64; 4] = [-3.0, -0.5, 0.25, 2.0];
        let outputs = || Tensor::<1>::from_floats(errors.as_slice(), &device).reshape([4, 1]);
        let mean = |loss: &dyn Fn(f64) -> f64| errors.iter().map(|error| loss(*error)).sum::<f64>() / 4.0;
        let huber = |error: f64| match error.abs() {
            size if size <= 0.7 => size * size / 2.0,
            size => 0.7 * (size - 0.35),
        };
        let pinball = |error: f64| if error < 0.0 { -0.9 * error } else { 0.1 * error };
        let config = FinetuneConfig {
            standardise: Standardise::None,
            huber_delta: 0.7,
            quantile: 0.9,
            ..FinetuneConfig::default()
        };
        for (loss, trained, reported) in [
            (Loss::L1, None, mean(&f64::abs)),
            (Loss::Mse, Some((MSE, mean(&|error| error * error))), mean(&f64::abs)),
            (Loss::Huber, Some((HUBER, mean(&huber))), mean(&f64::abs)),
            (Loss::Quantile, None, mean(&pinball)),
        ] {
            let criterion = Criterion::of_numbers(&train, &FinetuneConfig { loss, ..config.clone() });
            let targets = criterion.targets(train.iter().map(|crystal| &*crystal.targets), false, &device);
            let (found, terms) = criterion.losses(outputs(), &targets);
            close(numbers(&found)[0], trained.map_or(reported, |(_, loss)| loss));
            let expected = [(TOTAL, reported)].into_iter().chain(trained);
            assert_eq!(terms.len(), expected.clone().count(), "{loss:?}");
            for ((name, found), (expected_name, expected)) in terms.iter().zip(expected) {
                assert_eq!(*name, expected_name);
                close(numbers(found)[0], expected);
                assert!(criterion.titles().contains_key(name), "{name}");
            }
        }
    }

    #[test]
    fn the_title_of_the_reported_loss_names_it() {
        for (loss, title) in
            [(Loss::Mse, "Mean absolute error"), (Loss::Quantile, "Pinball loss of the quantile 0.9")]
        {
            let config = FinetuneConfig { loss, quantile: 0.9, ..FinetuneConfig::default() };
            let criterion = Criterion::of_numbers(&labelled(&[&[1.0], &[2.0]]), &config);
            assert_eq!(criterion.titles()[TOTAL], title);
        }
    }

    #[test]
    fn the_cross_entropy_is_that_of_the_textbook() {
        let train = labelled(&[&[0.0], &[2.0], &[2.0], &[2.0]]);
        let device = Device::flex();
        let outputs = Tensor::<1>::from_floats([1.0, 2.0, 3.0].repeat(4).as_slice(), &device).reshape([4, 3]);
        let log_sum = (1.0_f64.exp() + 2.0_f64.exp() + 3.0_f64.exp()).ln();
        let (first, third) = (log_sum - 1.0, log_sum - 3.0);
        for (class_weights, expected, constant) in [
            (ClassWeights::None, (first + 3.0 * third) / 4.0, -(0.25 * 0.25_f64.ln() + 0.75 * 0.75_f64.ln())),
            // Weights 4/3 and 4/9: two classes of the same weight.
            (ClassWeights::Balanced, (first + third) / 3.0, 2.0 / 3.0 * 2.0_f64.ln()),
        ] {
            let config = FinetuneConfig { class_weights, ..FinetuneConfig::default() };
            let criterion = Criterion::of_classes(&train, 3, &config);
            let targets = criterion.targets(train.iter().map(|crystal| &*crystal.targets), false, &device);
            let (loss, terms) = criterion.losses(outputs.clone(), &targets);
            close(numbers(&loss)[0], expected);
            close(numbers(&terms[0].1)[0], expected);
            close(criterion.constant().expect("there are crystals"), constant);
        }
    }
}
