"""Code for numba that applies a small matrix of constants to rows of channels, eight channels at once.

What compilers make of such a loop depends on its length: with 32 channels LLVM did not vectorise it at all, and it took
eight times as long. So these few instructions are written as vectors.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

Matrix = Sequence[Sequence[float]]

LANES = 8
"""Channels that are computed at once; on processors with shorter vectors LLVM takes two of those."""

_VECTOR = ir.VectorType(ir.FloatType(), LANES)


def linear_map(matrix: Matrix, adds: bool = False) -> Callable[..., None]:
    """A function for compiled code: (x, at, step, y, to, over) sets `LANES` columns of y to matrix @ those of x.

    Row k of x begins at element at + k * step of the float32 array x, row i of y at to + i * over of y; nothing is
    checked. The two do not overlap.

    Args:
        matrix: its rows. Two that are alike but for signs share their products.
        adds: whether the product is added to what y holds.
    """

    @intrinsic
    def apply(_: Any, x: Any, at: Any, step: Any, y: Any, to: Any, over: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
            def row(array: int, number: int) -> ir.Value:
                """The address of a row."""
                values = context.make_array(signature.args[array])(context, builder, arguments[array]).data
                offset = builder.mul(arguments[array + 2], ir.Constant(ir.IntType(64), number))
                place = builder.gep(values, [builder.add(arguments[array + 1], offset)])
                return builder.bitcast(place, _VECTOR.as_pointer())

            given = [builder.load(row(0, k), align=4) for k in range(len(matrix[0]))]
            for i, product in enumerate(_products(builder, matrix, given)):
                if adds:
                    product = builder.fadd(product, builder.load(row(3, i), align=4))
                builder.store(product, row(3, i), align=4)
            return context.get_dummy_value()

        return types.void(x, at, step, y, to, over), generate

    function: Callable[..., None] = apply
    return function


def _products(builder: ir.IRBuilder, matrix: Matrix, given: Sequence[ir.Value]) -> list[ir.Value]:
    """The code of each row's product with the given values."""
    products: dict[int, ir.Value] = {}
    for i, row in enumerate(matrix):
        if i in products:
            continue
        twin = next((j for j in range(i + 1, len(matrix)) if list(map(abs, matrix[j])) == list(map(abs, row))), None)
        if twin is None:
            products[i] = _sum(builder, row, given)
            continue
        pairs = list(zip(row, matrix[twin], strict=True))
        same = _sum(builder, [own if own == other else 0 for own, other in pairs], given)
        opposite = _sum(builder, [own if own != other else 0 for own, other in pairs], given)
        products[i], products[twin] = builder.fadd(same, opposite), builder.fsub(same, opposite)
    return [products[i] for i in range(len(matrix))]


def _sum(builder: ir.IRBuilder, factors: Sequence[float], given: Sequence[ir.Value]) -> ir.Value:
    """The code of the sum of all values times their factors; multiplications and additions may be made one."""
    total = None
    for factor, value in zip(factors, given, strict=True):
        if factor:
            constant = ir.Constant(_VECTOR, [float(factor)] * LANES)
            term = value if factor == 1 else builder.fmul(value, constant, flags=("contract",))
            total = term if total is None else builder.fadd(total, term, flags=("contract",))
    return ir.Constant(_VECTOR, [0.0] * LANES) if total is None else total
