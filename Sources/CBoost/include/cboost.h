#pragma once

// What Larder uses of the Boost libraries, which are C++ and so not visible to Swift.

#ifdef __cplusplus
extern "C" {
#endif

/// The regularised incomplete beta function: I_x(a, b) for a, b > 0 and 0 <= x <= 1. NaN outside.
double cboost_incomplete_beta(double a, double b, double x);

#ifdef __cplusplus
}
#endif
