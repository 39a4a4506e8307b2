/** @file Kernels that work element by element with operands that broadcast, as passes tell them apart. */

const names = (list: string): string[] => list.split(' ');

/** One operand. */
export const UNARY: ReadonlySet<string> = new Set(
  names(
    'Abs Neg Exp Expm1 Log Log1p Sqrt Rsqrt Reciprocal Square Relu Sigmoid Tanh Erf Softplus Sin Cos Floor Ceil Sign Step Cast LogicalNot IsNan',
  ),
);

/** One operand or several. */
export const POINTWISE: ReadonlySet<string> = new Set([
  ...UNARY,
  ...names('Add Sub Multiply RealDiv Pow Maximum Minimum SquaredDifference Equal NotEqual'),
  ...names('Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr Select'),
]);

/** Those whose result is zero where all operands are. */
export const ZERO_TO_ZERO: ReadonlySet<string> = new Set(
  names(
    'Abs Neg Expm1 Log1p Sqrt Square Relu Tanh Erf Sin Floor Ceil Sign Add Sub Multiply Maximum Minimum SquaredDifference',
  ),
);
