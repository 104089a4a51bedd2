#include "cboost.h"

#include <boost/math/special_functions/beta.hpp>

namespace policies = boost::math::policies;

// No exceptions, which Swift cannot catch; and plain doubles, which are exact to 1e-13 here.
using Quiet = policies::policy<
    policies::domain_error<policies::ignore_error>, policies::pole_error<policies::ignore_error>,
    policies::overflow_error<policies::ignore_error>,
    policies::evaluation_error<policies::ignore_error>, policies::promote_double<false>>;

double cboost_incomplete_beta(double a, double b, double x) {
  return boost::math::ibeta(a, b, x, Quiet());
}
