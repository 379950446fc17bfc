//! Vectors and 3x3 matrices in double precision. Coordinates are row vectors (specification, section 1).

/// A vector, or a row of a matrix.
pub type Vector3 = [f64; 3];
/// A matrix as three rows. The rows of a lattice matrix are the lattice vectors l1, l2, l3.
pub type Matrix3 = [[f64; 3]; 3];
/// An integer matrix as three rows, such as a change of basis.
pub type IntegerMatrix3 = [[i32; 3]; 3];

/// Returns the scalar product of two vectors.
#[inline]
pub fn dot(a: &Vector3, b: &Vector3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Returns the cross product of two vectors.
#[inline]
pub fn cross(a: &Vector3, b: &Vector3) -> Vector3 {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Returns the Euclidean length of a vector.
#[inline]
pub fn norm(a: &Vector3) -> f64 {
    dot(a, a).sqrt()
}

/// Returns the determinant, which is the signed volume spanned by the rows.
#[inline]
pub fn determinant(m: &Matrix3) -> f64 {
    dot(&m[0], &cross(&m[1], &m[2]))
}

/// Returns the product `v · m` of a row vector and a matrix. If `m` is a lattice matrix, this converts fractional to
/// Cartesian coordinates.
#[inline]
pub fn row_times(v: &Vector3, m: &Matrix3) -> Vector3 {
    [
        v[0] * m[0][0] + v[1] * m[1][0] + v[2] * m[2][0],
        v[0] * m[0][1] + v[1] * m[1][1] + v[2] * m[2][1],
        v[0] * m[0][2] + v[1] * m[1][2] + v[2] * m[2][2],
    ]
}

/// Returns the matrix product `a · b`.
#[inline]
pub fn product(a: &Matrix3, b: &Matrix3) -> Matrix3 {
    [row_times(&a[0], b), row_times(&a[1], b), row_times(&a[2], b)]
}

/// Returns the inverse of a matrix. Its elements are infinite or NaN if the determinant is 0.
pub fn inverse([a, b, c]: &Matrix3) -> Matrix3 {
    let columns = [cross(b, c), cross(c, a), cross(a, b)];
    let volume = dot(a, &columns[0]);
    std::array::from_fn(|row| std::array::from_fn(|column| columns[column][row] / volume))
}

/// Converts an integer matrix to double precision. The conversion is exact.
#[inline]
pub fn to_real(m: &IntegerMatrix3) -> Matrix3 {
    m.map(|row| row.map(f64::from))
}

/// Returns the exact determinant of an integer matrix.
pub fn integer_determinant(m: &IntegerMatrix3) -> i128 {
    let [a, b, c] = m.map(|row| row.map(i128::from));
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
}

/// Returns the inverse of an integer matrix with determinant +1, computed as its adjugate.
#[inline]
pub fn unimodular_inverse(m: &IntegerMatrix3) -> Matrix3 {
    let m = m.map(|row| row.map(i64::from));
    let cofactor = |i: usize, j: usize| {
        let (i1, i2, j1, j2) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
        (m[i1][j1] * m[i2][j2]).wrapping_sub(m[i1][j2] * m[i2][j1]) as f64
    };
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| cofactor(j, i)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKEWED: IntegerMatrix3 = [[1, 2, 3], [0, 1, 4], [0, 0, 1]];

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        let m = [[3.0, 0.5, -1.0], [0.25, 4.0, 2.0], [-0.5, 1.5, 5.0]];
        for (row, elements) in product(&m, &inverse(&m)).into_iter().enumerate() {
            for (column, element) in elements.into_iter().enumerate() {
                assert!((element - f64::from(u8::from(row == column))).abs() < 1e-15, "{element}");
            }
        }
    }

    #[test]
    fn inverse_of_a_unimodular_matrix_is_exact() {
        assert_eq!(integer_determinant(&SKEWED), 1);
        let inverse = unimodular_inverse(&SKEWED);
        assert_eq!(inverse, [[1.0, -2.0, 5.0], [0.0, 1.0, -4.0], [0.0, 0.0, 1.0]]);
        assert_eq!(product(&to_real(&SKEWED), &inverse), [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    }

    #[test]
    fn determinant_is_signed() {
        assert_eq!(determinant(&[[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 4.0]]), 24.0);
        assert_eq!(determinant(&[[0.0, 3.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 4.0]]), -24.0);
        assert_eq!(norm(&cross(&[1.0, 0.0, 0.0], &[0.0, 5.0, 0.0])), 5.0);
    }
}
