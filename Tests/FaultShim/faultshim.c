#include "faultshim.h"
