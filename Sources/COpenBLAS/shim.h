#pragma once
// Debian's folder of OpenBLAS itself, not the alternatives link, which may belong to another BLAS.
#include <openblas-pthread/cblas.h>
