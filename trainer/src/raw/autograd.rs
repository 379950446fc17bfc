//! Turning off libtorch's own automatic differentiation, a fifth of the host's time in a step of small operations.
//!
//! burn records operations by itself. libtorch still passes every call through the layers that would record it, too,
//! and keeps what views would need. A thread can leave these layers out ("dispatch keys"), but only C++ can ask for it.
//!
//! Unsafe because the functions of `libc10` are looked up by name and called by their C++ interface. The contract is
//! kept by checks: a function that is missing is not called, and the number of a key, which differs between versions, is
//! that to which libtorch itself gives the key's name. The calling convention of the x86-64 and ARM systems for these
//! arguments, integers and a bool, is that of C.

use std::ffi::{CStr, c_char};

/// `char const* c10::toString(c10::DispatchKey)`
const NAME: &CStr = c"_ZN3c108toStringENS_11DispatchKeyE";
/// `void c10::impl::tls_set_dispatch_key_excluded(c10::DispatchKey, bool)`
const EXCLUDE: &CStr = c"_ZN3c104impl29tls_set_dispatch_key_excludedENS_11DispatchKeyEb";
/// Names of the layers that record operations.
const LAYERS: [&CStr; 2] = [c"AutogradFunctionality", c"ADInplaceOrView"];
/// Numbers among which the keys of layers are. They are bits of a word.
const KEYS: u16 = 64;

/// Returns the address of a function of the loaded libraries; null if it is missing.
fn address(name: &CStr) -> *mut libc::c_void {
    // SAFETY: the name is a C string, and a lookup changes nothing.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

/// Leaves out libtorch's automatic differentiation for the calling thread. Returns whether this libtorch can do so.
pub(crate) fn leave_out() -> bool {
    let (name, exclude) = (address(NAME), address(EXCLUDE));
    if name.is_null() || exclude.is_null() {
        return false;
    }
    // SAFETY: a function of this C++ name takes a key, a 16-bit number, and returns a C string that is never freed.
    let name: extern "C" fn(u16) -> *const c_char = unsafe { std::mem::transmute(name) };
    // SAFETY: a function of this C++ name takes a key and a bool, and returns nothing.
    let exclude: extern "C" fn(u16, bool) = unsafe { std::mem::transmute(exclude) };
    let is_named = |key: u16, layer: &CStr| {
        let name = name(key);
        // SAFETY: a name that is not null is a C string that lives as long as the program.
        !name.is_null() && unsafe { CStr::from_ptr(name) } == layer
    };
    let keys = LAYERS.map(|layer| (0..KEYS).find(|&key| is_named(key, layer)));
    let [Some(first), Some(second)] = keys else { return false };
    for key in [first, second] {
        exclude(key, true);
    }
    true
}

#[cfg(test)]
mod tests {
    use burn::prelude::*;

    use super::*;
    use crate::device::DeviceName;

    #[test]
    fn tensors_compute_without_the_layers() {
        let device = DeviceName::Libtorch.open().expect("always there");
        assert!(leave_out(), "this version has the functions");
        let matrix = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &device.autodiff()).require_grad();
        let row = matrix.clone().slice([0..1, 0..2]);
        let loss = row.clone().matmul(row.transpose()).sum();
        let gradients = loss.clone().backward();
        assert_eq!(loss.into_scalar::<f32>(), 5.0);
        let gradient = matrix.grad(&gradients).expect("a gradient");
        assert_eq!(gradient.into_data().iter::<f32>().collect::<Vec<_>>(), [2.0, 4.0, 0.0, 0.0]);
    }
}
