//! Functions over numbers of either type whose bodies are compiled once for each instruction set.

/// Declares a function whose body is compiled for each instruction set ([`crate::raw::level::run`]). The lifetime
/// must be named. Inside the body, `FUSED` is the parameter for [`crate::Real::exp`] and
/// [`crate::Real::multiply_add`].
macro_rules! vectorised {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident<$life:lifetime>($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        $visibility fn $name<$life, R: $crate::Real>($($argument: $type),*) {
            struct Arguments<$life, R: $crate::Real> {
                $($argument: $type,)*
                real: std::marker::PhantomData<&$life R>,
            }
            impl<$life, R: $crate::Real> $crate::raw::level::Loop for Arguments<$life, R> {
                #[inline(always)]
                fn run<const FUSED: bool>(self) {
                    let Arguments { $($argument,)* real: _ } = self;
                    $body
                }
            }
            $crate::raw::level::run(Arguments { $($argument,)* real: std::marker::PhantomData });
        }
    };
}
pub(crate) use vectorised;
