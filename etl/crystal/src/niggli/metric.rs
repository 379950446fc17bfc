//! The six components of a metric tensor, and the steps of the Křivý-Gruber algorithm on them.

use crate::math::{Matrix3, dot};

/// Tolerance for the signs of components, relative to the Niggli tolerance. It corresponds to 1e-11 of a squared
/// length.
const SIGN_ROUNDING: f64 = 1e-6;

/// Metric tensor of a basis a, b, c, in Å². The names are those of Křivý and Gruber (1976).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Metric {
    /// `a · a`
    aa: f64,
    /// `b · b`
    bb: f64,
    /// `c · c`
    cc: f64,
    /// `2 b · c`
    xi: f64,
    /// `2 a · c`
    eta: f64,
    /// `2 a · b`
    zeta: f64,
}

/// Returns the cell parameters of a lattice with rows l1, l2, l3 in Å: the lengths `a, b, c` in Å and the angles
/// `alpha = ∠(l2, l3), beta = ∠(l1, l3), gamma = ∠(l1, l2)` in degrees (specification, section 2.1, step 4).
pub fn parameters(lattice: &Matrix3) -> [f64; 6] {
    let Metric { aa, bb, cc, xi, eta, zeta } = Metric::of(lattice);
    let (a, b, c) = (aa.sqrt(), bb.sqrt(), cc.sqrt());
    let angle = |twice_product: f64, lengths: f64| {
        (twice_product / (2.0 * lengths)).clamp(-1.0, 1.0).acos().to_degrees()
    };
    [a, b, c, angle(xi, b * c), angle(eta, a * c), angle(zeta, a * b)]
}

impl Metric {
    /// Returns the metric tensor of a lattice with rows a, b, c.
    pub(super) fn of([a, b, c]: &Matrix3) -> Self {
        Self {
            aa: dot(a, a),
            bb: dot(b, b),
            cc: dot(c, c),
            xi: 2.0 * dot(b, c),
            eta: 2.0 * dot(a, c),
            zeta: 2.0 * dot(a, b),
        }
    }

    /// Returns the length of the shortest of the three vectors in Å.
    pub(super) fn shortest(&self) -> f64 {
        self.aa.min(self.bb).min(self.cc).sqrt()
    }

    /// Returns `|a| |b| |c|` in Å³.
    pub(super) fn product_of_lengths(&self) -> f64 {
        self.aa.sqrt() * self.bb.sqrt() * self.cc.sqrt()
    }

    /// Condition of step 1: a and b have to be exchanged.
    pub(super) fn first_pair_misordered(&self, tolerance: f64) -> bool {
        let difference = self.aa - self.bb;
        difference > tolerance
            || (difference.abs() <= tolerance && self.xi.abs() > self.eta.abs() + tolerance)
    }

    /// Condition of step 2: b and c have to be exchanged.
    pub(super) fn second_pair_misordered(&self, tolerance: f64) -> bool {
        let difference = self.bb - self.cc;
        difference > tolerance
            || (difference.abs() <= tolerance && self.eta.abs() > self.zeta.abs() + tolerance)
    }

    /// Exchanges a and b.
    pub(super) fn swap_first_pair(&mut self) {
        std::mem::swap(&mut self.aa, &mut self.bb);
        std::mem::swap(&mut self.xi, &mut self.eta);
    }

    /// Exchanges b and c.
    pub(super) fn swap_second_pair(&mut self) {
        std::mem::swap(&mut self.bb, &mut self.cc);
        std::mem::swap(&mut self.eta, &mut self.zeta);
    }

    /// Steps 3 and 4: returns signs of a, b, c with product +1, after which all three angles are acute (type I) or
    /// none of them is (type II), within the tolerance.
    ///
    /// An angle that is right within the tolerance may take either sign. It is made obtuse if it differs from 90° by
    /// more than rounding, so that the result does not depend on the given basis.
    pub(super) fn angle_signs(&self, tolerance: f64) -> [i8; 3] {
        let components = [self.xi, self.eta, self.zeta];
        let to_signs = |flags: [bool; 3]| flags.map(|flag| if flag { -1 } else { 1 });
        let count = |flags: [bool; 3]| flags.iter().filter(|&&flag| flag).count();
        let positives = count(components.map(|component| component > tolerance));
        let negative = components.map(|component| component < -tolerance);
        if positives == 3 || (positives == 1 && count(negative) == 2) {
            return to_signs(negative);
        }
        let rounding = SIGN_ROUNDING * tolerance;
        let acute = components.map(|component| component > rounding);
        let mut signs = to_signs(acute);
        if count(acute) % 2 == 1 {
            // The product must be +1, so the angle nearest to 90° takes the other sign. Such an angle exists: three
            // angles that are not right, an odd number of them acute, are of type I.
            let cosines = components.map(|component| component.abs().max(rounding));
            if let Some(rightest) = (0..3).rev().min_by(|&i, &j| cosines[i].total_cmp(&cosines[j])) {
                signs[rightest] = -signs[rightest];
            }
        }
        signs
    }

    /// Multiplies a, b, c by signs whose product is +1. Because of `s_b s_c = s_a` and its permutations, each product
    /// takes one sign.
    pub(super) fn flip(&mut self, [a, b, c]: [i8; 3]) {
        self.xi *= f64::from(a);
        self.eta *= f64::from(b);
        self.zeta *= f64::from(c);
    }

    /// Step 5: returns the multiple of b to subtract from c, if any.
    pub(super) fn third_by_second(&self, tolerance: f64) -> Option<f64> {
        multiple(self.xi, self.bb, self.eta, self.zeta, tolerance)
    }

    /// Step 6: returns the multiple of a to subtract from c, if any.
    pub(super) fn third_by_first(&self, tolerance: f64) -> Option<f64> {
        multiple(self.eta, self.aa, self.xi, self.zeta, tolerance)
    }

    /// Step 7: returns the multiple of a to subtract from b, if any.
    pub(super) fn second_by_first(&self, tolerance: f64) -> Option<f64> {
        multiple(self.zeta, self.aa, self.xi, self.eta, tolerance)
    }

    /// Step 8: whether a + b + c should replace c.
    pub(super) fn body_diagonal_is_shorter(&self, tolerance: f64) -> bool {
        let excess = self.xi + self.eta + self.zeta + self.aa + self.bb;
        excess < -tolerance
            || (excess.abs() <= tolerance && 2.0 * (self.aa + self.eta) + self.zeta > tolerance)
    }

    /// Replaces c by `c - n b`.
    pub(super) fn subtract_second_from_third(&mut self, n: f64) {
        self.cc += n * (n * self.bb - self.xi);
        self.xi -= 2.0 * n * self.bb;
        self.eta -= n * self.zeta;
    }

    /// Replaces c by `c - n a`.
    pub(super) fn subtract_first_from_third(&mut self, n: f64) {
        self.cc += n * (n * self.aa - self.eta);
        self.xi -= n * self.zeta;
        self.eta -= 2.0 * n * self.aa;
    }

    /// Replaces b by `b - n a`.
    pub(super) fn subtract_first_from_second(&mut self, n: f64) {
        self.bb += n * (n * self.aa - self.zeta);
        self.xi -= n * self.eta;
        self.zeta -= 2.0 * n * self.aa;
    }

    /// Replaces c by `a + b + c`.
    pub(super) fn add_both_to_third(&mut self) {
        self.cc += self.aa + self.bb + self.xi + self.eta + self.zeta;
        self.xi += 2.0 * self.bb + self.zeta;
        self.eta += 2.0 * self.aa + self.zeta;
    }

    /// Whether the main and special Niggli conditions hold within the tolerance (International Tables A, 9.2.2.3 and
    /// 9.2.2.5).
    pub(super) fn is_niggli(&self, tolerance: f64) -> bool {
        let Self { aa, bb, cc, xi, eta, zeta } = *self;
        let equal = |x: f64, y: f64| (x - y).abs() <= tolerance;
        let at_most = |x: f64, y: f64| x <= y + tolerance;
        // A special condition holds unless its premise is true and its conclusion is false.
        let implies = |premise: bool, conclusion: bool| !premise || conclusion;

        let main = at_most(aa, bb)
            && at_most(bb, cc)
            && at_most(xi.abs(), bb)
            && at_most(eta.abs(), aa)
            && at_most(zeta.abs(), aa);
        let ordered = implies(equal(aa, bb), at_most(xi.abs(), eta.abs()))
            && implies(equal(bb, cc), at_most(eta.abs(), zeta.abs()));
        let special = if xi > tolerance && eta > tolerance && zeta > tolerance {
            implies(equal(xi, bb), at_most(zeta, 2.0 * eta))
                && implies(equal(eta, aa), at_most(zeta, 2.0 * xi))
                && implies(equal(zeta, aa), at_most(eta, 2.0 * xi))
        } else {
            let excess = xi + eta + zeta + aa + bb;
            xi <= tolerance
                && eta <= tolerance
                && zeta <= tolerance
                && excess >= -tolerance
                && implies(equal(-xi, bb), equal(zeta, 0.0))
                && implies(equal(-eta, aa), equal(zeta, 0.0))
                && implies(equal(-zeta, aa), equal(eta, 0.0))
                && implies(equal(excess, 0.0), at_most(2.0 * (aa + eta) + zeta, 0.0))
        };
        main && ordered && special
    }
}

/// Returns the multiple of a vector with squared length `square` to subtract from another vector, where `projection`
/// is twice their scalar product. The multiple shortens the other vector, or it settles the special condition for a
/// projection equal to the square. `first` and `second` are the other two doubled products, in the order xi, eta,
/// zeta.
fn multiple(projection: f64, square: f64, first: f64, second: f64, tolerance: f64) -> Option<f64> {
    if projection.abs() > square + tolerance {
        return Some((projection / (2.0 * square)).round());
    }
    if (projection - square).abs() <= tolerance && 2.0 * first < second - tolerance {
        return Some(1.0);
    }
    if (projection + square).abs() <= tolerance && second < -tolerance {
        return Some(-1.0);
    }
    None
}
