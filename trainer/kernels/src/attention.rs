//! Attention over an atom's neighbours (specification, section 4.1; Eq. 6 of MMPT, [arXiv
//! 2306.05344](https://arxiv.org/abs/2306.05344)).

use super::parallel;
use super::real::Real;
use super::rows::ATOM_BLOCK;
use super::topology::Topology;
use crate::raw::fresh::Fresh;
use crate::vectorised::vectorised;

/// Slope of LeakyReLU for negative arguments.
pub const LEAK: f64 = 0.2;

/// Scores and values of N atoms.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a, R> {
    /// \[N\] summand of an atom in the scores of the edges that end at it, att_t·q.
    pub target_score: &'a [R],
    /// \[N\] summand of an atom in the scores of the edges that begin at it, att_s·q.
    pub source_score: &'a [R],
    /// \[N, channels\] values of the atoms.
    pub values: &'a [R],
}

/// Gradients with respect to [`Inputs`].
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients<R> {
    /// \[N\] gradient of `target_score`.
    pub dtarget_score: Vec<R>,
    /// \[N\] gradient of `source_score`.
    pub dsource_score: Vec<R>,
    /// \[N, channels\] gradient of `values`.
    pub dvalues: Vec<R>,
}

impl<R: Real> Inputs<'_, R> {
    fn channels(&self, topology: &Topology<'_>) -> usize {
        topology.check();
        let atoms = topology.atoms();
        assert_eq!(self.target_score.len(), atoms, "a target score for each atom");
        assert_eq!(self.source_score.len(), atoms, "a source score for each atom");
        let channels = self.values.len() / atoms.max(1);
        assert_eq!(self.values.len(), atoms * channels, "a row of values for each atom");
        channels
    }

    /// Returns LeakyReLU of an edge's score and its slope, which is 0.2 at zero.
    fn score(&self, target: i32, source: i32) -> (R, R) {
        let score = self.target_score[target as usize] + self.source_score[source as usize];
        let slope = if score > R::ZERO { R::ONE } else { R::from_f64(LEAK) };
        (score * slope, slope)
    }
}

/// Returns out \[N, channels\] and the attention weights ε \[E\]:
///
/// * ε_e = softmax of LeakyReLU(s_target + s_source) over the edges with the same target
/// * out_i = Σ_{e into i} ε_e v_{source e}
///
/// The largest score of each group is subtracted before the exponential. An atom without edges gets zeros.
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn forward<R: Real>(inputs: Inputs<'_, R>, topology: Topology<'_>) -> (Vec<R>, Vec<R>) {
    let channels = inputs.channels(&topology);
    let mut out = Fresh::new(topology.atoms() * channels);
    let mut epsilon = Fresh::new(topology.edges());
    let tasks = parallel::ranges(topology.atoms(), ATOM_BLOCK);
    let out_blocks = out.blocks(tasks.clone().map(|task| task.end * channels));
    let epsilon_blocks = epsilon.blocks(tasks.clone().map(|task| topology.incoming[task.end] as usize));
    let items: Vec<_> = tasks.zip(out_blocks).zip(epsilon_blocks).collect();
    let scratch = || (vec![R::ZERO; channels], Vec::new());
    parallel::map(items, scratch, |(sum, weights), ((task, mut out), mut epsilon)| {
        for i in task {
            let sources = &topology.source[topology.incoming_of(i)];
            weights.clear();
            weights.extend(sources.iter().map(|source| inputs.score(i as i32, *source).0));
            softmax(weights);
            sum.fill(R::ZERO);
            for (weight, source) in weights.iter().zip(sources) {
                let start = *source as usize * channels;
                add_scaled(&inputs.values[start..start + channels], *weight, sum);
            }
            out.append(sum);
            epsilon.append(weights);
        }
    });
    (out.finish(), epsilon.finish())
}

/// Returns the gradients of [`forward`]. `grad` is the gradient of out, \[N, channels\], and `epsilon` the ε of the
/// forward pass. With dε_e = grad_target · v_source and dr_e = ε_e·(dε_e − Σ_{same target} ε dε)·LeakyReLU'(r_e):
///
/// * ds_target = Σ_{e into i} dr_e
/// * ds_source = Σ_{e out of j} dr_e
/// * dv_j = Σ_{e out of j} ε_e grad_{target e}
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn backward<R: Real>(
    inputs: Inputs<'_, R>,
    topology: Topology<'_>,
    epsilon: &[R],
    grad: &[R],
) -> Gradients<R> {
    let channels = inputs.channels(&topology);
    assert_eq!(epsilon.len(), topology.edges(), "a weight for each edge");
    assert_eq!(grad.len(), topology.atoms() * channels, "the gradient's shape");

    let mut dtarget_score = Fresh::new(topology.atoms());
    let mut dscore = Fresh::new(topology.edges());
    let tasks = parallel::ranges(topology.atoms(), ATOM_BLOCK);
    let target_blocks = dtarget_score.blocks(tasks.clone().map(|task| task.end));
    let score_blocks = dscore.blocks(tasks.clone().map(|task| topology.incoming[task.end] as usize));
    let items: Vec<_> = tasks.clone().zip(target_blocks).zip(score_blocks).collect();
    parallel::map(items, Vec::new, |dweights, ((task, mut dtarget), mut dscore)| {
        for i in task {
            let edges = topology.incoming_of(i);
            let grad = &grad[i * channels..(i + 1) * channels];
            dweights.clear();
            dweights.extend(topology.source[edges.clone()].iter().map(|source| {
                let start = *source as usize * channels;
                dot(grad, &inputs.values[start..start + channels])
            }));
            let mean = dot(dweights, &epsilon[edges.clone()]);
            for (edge, dweight) in edges.zip(dweights.iter_mut()) {
                let (_, slope) = inputs.score(i as i32, topology.source[edge]);
                *dweight = epsilon[edge] * (*dweight - mean) * slope;
            }
            dtarget.append(&[dweights.iter().fold(R::ZERO, |sum, value| sum + *value)]);
            dscore.append(dweights);
        }
    });
    let dscore = dscore.finish();

    let mut dsource_score = Fresh::new(topology.atoms());
    let mut dvalues = Fresh::new(topology.atoms() * channels);
    let source_blocks = dsource_score.blocks(tasks.clone().map(|task| task.end));
    let value_blocks = dvalues.blocks(tasks.clone().map(|task| task.end * channels));
    let items: Vec<_> = tasks.zip(source_blocks).zip(value_blocks).collect();
    parallel::map(
        items,
        || vec![R::ZERO; channels],
        |sum, ((task, mut dsource), mut dvalues)| {
            for j in task {
                let mut dsource_score = R::ZERO;
                sum.fill(R::ZERO);
                for edge in topology.outgoing_of(j) {
                    let edge = *edge as usize;
                    dsource_score += dscore[edge];
                    let start = topology.target[edge] as usize * channels;
                    add_scaled(&grad[start..start + channels], epsilon[edge], sum);
                }
                dsource.append(&[dsource_score]);
                dvalues.append(sum);
            }
        },
    );
    Gradients {
        dtarget_score: dtarget_score.finish(),
        dsource_score: dsource_score.finish(),
        dvalues: dvalues.finish(),
    }
}

/// scores ← e^(score − largest) / Σ, the softmax.
fn softmax<R: Real>(scores: &mut [R]) {
    let Some(first) = scores.first() else { return };
    let largest = scores.iter().fold(*first, |largest, score| largest.larger(*score));
    let mut sum = R::ZERO;
    for score in &mut *scores {
        *score = (*score - largest).exp::<false>();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score = *score / sum);
}

/// Returns Σ a ∘ b, summed in order.
fn dot<R: Real>(a: &[R], b: &[R]) -> R {
    a.iter().zip(b).fold(R::ZERO, |sum, (a, b)| sum + *a * *b)
}

vectorised! {
    /// sum += factor · row.
    fn add_scaled<'a>(row: &'a [R], factor: R, sum: &'a mut [R]) {
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum = value.multiply_add::<FUSED>(factor, *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Edges, check_gradient, close, double, numbers, same_on_two_threads};
    use proptest::prelude::*;

    /// Computes out and ε by definition.
    fn naive(s_t: &[f64], s_s: &[f64], v: &[f64], topology: Topology<'_>) -> (Vec<f64>, Vec<f64>) {
        let channels = v.len() / s_t.len().max(1);
        let powers: Vec<f64> = (0..topology.edges())
            .map(|e| {
                let score = s_t[topology.target[e] as usize] + s_s[topology.source[e] as usize];
                score.max(0.2 * score).exp()
            })
            .collect();
        let mut out = vec![0.0; v.len()];
        let epsilon = (0..topology.edges())
            .map(|e| {
                let i = topology.target[e] as usize;
                let epsilon = powers[e] / powers[topology.incoming_of(i)].iter().sum::<f64>();
                (0..channels).for_each(|c| {
                    out[i * channels + c] += epsilon * v[topology.source[e] as usize * channels + c]
                });
                epsilon
            })
            .collect();
        (out, epsilon)
    }

    proptest! {
        #[test]
        fn attention_of_any_shape(atoms in 0usize..80, most in 0usize..20, channels in 1usize..40, seed in 0u64..1000) {
            let graph = Edges::random(atoms, most, seed);
            let topology = graph.topology();
            let (s_t, s_s) = (numbers::<f32>(atoms, seed), numbers::<f32>(atoms, seed + 1));
            let v = numbers::<f32>(atoms * channels, seed + 2);
            let inputs = Inputs { target_score: &s_t, source_score: &s_s, values: &v };
            let (out, epsilon) = same_on_two_threads(|| forward(inputs, topology));
            let (expected, expected_epsilon) = naive(&double(&s_t), &double(&s_s), &double(&v), topology);
            close(&double(&out), &expected, 1e-6);
            close(&double(&epsilon), &expected_epsilon, 1e-6);

            let grad = numbers::<f32>(atoms * channels, seed + 3);
            let single = same_on_two_threads(|| backward(inputs, topology, &epsilon, &grad));
            let (s_t, s_s, v) = (double(&s_t), double(&s_s), double(&v));
            let inputs = Inputs { target_score: &s_t, source_score: &s_s, values: &v };
            let exact = backward(inputs, topology, &expected_epsilon, &double(&grad));
            close(&double(&single.dtarget_score), &exact.dtarget_score, 1e-5);
            close(&double(&single.dsource_score), &exact.dsource_score, 1e-5);
            close(&double(&single.dvalues), &exact.dvalues, 1e-5);
        }
    }

    #[test]
    fn gradients_by_differences() {
        let graph = Edges::random(6, 6, 4);
        let topology = graph.topology();
        let (s_t, s_s, v) = (numbers::<f64>(6, 1), numbers::<f64>(6, 2), numbers::<f64>(18, 3));
        let grad = numbers::<f64>(18, 4);
        let run = |s_t: &[f64], s_s: &[f64], v: &[f64]| {
            forward(Inputs { target_score: s_t, source_score: s_s, values: v }, topology)
        };
        let loss = |s_t: &[f64], s_s: &[f64], v: &[f64]| testing::dot(&grad, &run(s_t, s_s, v).0);
        let inputs = Inputs { target_score: &s_t, source_score: &s_s, values: &v };
        let gradients = backward(inputs, topology, &run(&s_t, &s_s, &v).1, &grad);
        check_gradient(&s_t, &gradients.dtarget_score, |s_t| loss(s_t, &s_s, &v));
        check_gradient(&s_s, &gradients.dsource_score, |s_s| loss(&s_t, s_s, &v));
        check_gradient(&v, &gradients.dvalues, |v| loss(&s_t, &s_s, v));
    }

    #[test]
    fn large_scores_and_lonely_atoms() {
        let topology = Topology {
            target: &[0, 0],
            source: &[0, 1],
            incoming: &[0, 2, 2],
            outgoing: &[0, 1, 2],
            outgoing_edges: &[0, 1],
        };
        let inputs = Inputs { target_score: &[1e5f32, 0.0], source_score: &[0.0, 1e5], values: &[1.0, 2.0] };
        assert_eq!(forward(inputs, topology), (vec![2.0, 0.0], vec![(-87.0f32).exp(), 1.0]));
    }
}
