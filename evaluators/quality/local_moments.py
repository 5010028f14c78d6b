"""Windowed first and second moments of a triple of images, row by row.

VIF and SSIM both need, per window, the means of a, b, f, a², b², f², af and bf. They are computed one output row at a time (a few rows of memory), the
products formed inside the vertical pass, the fused image's shared between the two sources. Windows are separable and symmetric.
"""

from __future__ import annotations

from .kernels import inline_kernel, kernel

# Where a source finds its moments among the eight: (x, x², xf).
INFRARED = (0, 3, 6)
VISIBLE = (1, 4, 7)
FUSED = (2, 5)


@inline_kernel
def _capped(product, ceiling):  # type: ignore[no-untyped-def]
    """`product`, or the ceiling of saturating arithmetic where there is one (a compile-time choice: None has its own type)."""
    if ceiling is None:
        return product
    return min(product, ceiling)


@kernel
def vertical_products(a, b, f, taps, top, ceiling, out):  # type: ignore[no-untyped-def]
    """out[0…7] = vertically filtered a, b, f, a², b², f², af, bf of rows top…top+N−1; products above `ceiling` (or None) saturate."""
    half = taps.size // 2
    width = a.shape[1]
    ra, rb, rf = a[top + half], b[top + half], f[top + half]
    k = taps[half]
    for c in range(width):
        x, y, z = ra[c], rb[c], rf[c]
        out[0, c] = k * x
        out[1, c] = k * y
        out[2, c] = k * z
        out[3, c] = k * _capped(x * x, ceiling)
        out[4, c] = k * _capped(y * y, ceiling)
        out[5, c] = k * _capped(z * z, ceiling)
        out[6, c] = k * _capped(x * z, ceiling)
        out[7, c] = k * _capped(y * z, ceiling)
    for t in range(half):
        k = taps[t]
        ra, rb, rf = a[top + t], b[top + t], f[top + t]
        sa, sb, sf = a[top + 2 * half - t], b[top + 2 * half - t], f[top + 2 * half - t]
        for c in range(width):
            x, y, z = ra[c], rb[c], rf[c]
            u, v, w = sa[c], sb[c], sf[c]
            out[0, c] += k * (x + u)
            out[1, c] += k * (y + v)
            out[2, c] += k * (z + w)
            out[3, c] += k * (_capped(x * x, ceiling) + _capped(u * u, ceiling))
            out[4, c] += k * (_capped(y * y, ceiling) + _capped(v * v, ceiling))
            out[5, c] += k * (_capped(z * z, ceiling) + _capped(w * w, ceiling))
            out[6, c] += k * (_capped(x * z, ceiling) + _capped(u * w, ceiling))
            out[7, c] += k * (_capped(y * z, ceiling) + _capped(v * w, ceiling))


@kernel
def horizontal(rows, taps, out):  # type: ignore[no-untyped-def]
    """Filter each of `rows` horizontally ('valid') into `out`: four symmetric pairs of taps a pass, so that `out` is seldom reloaded."""
    half = taps.size // 2
    columns = out.shape[1]
    for channel in range(rows.shape[0]):
        source = rows[channel]
        target = out[channel]
        k = taps[half]
        for c in range(columns):
            target[c] = k * source[c + half]
        t = 0
        while t + 4 <= half:
            k0, k1, k2, k3 = taps[t], taps[t + 1], taps[t + 2], taps[t + 3]
            left = source[t:]
            right = source[2 * half - t - 3 :]
            for c in range(columns):
                target[c] += (
                    k0 * (left[c] + right[c + 3]) + k1 * (left[c + 1] + right[c + 2])
                    + k2 * (left[c + 2] + right[c + 1]) + k3 * (left[c + 3] + right[c])
                )  # fmt: skip
            t += 4
        while t < half:
            k = taps[t]
            mirror = 2 * half - t
            for c in range(columns):
                target[c] += k * (source[c + t] + source[c + mirror])
            t += 1
