#pragma once

/// Looks up OpenBLAS's products in the library that the process has loaded; 0 if it has none.
int baseline_open(void);

/// Seconds of `calls` products of n by n matrices, row-major, c = a b, in FP32 and FP64.
double baseline_sgemm(int n, int calls, const float *a, const float *b, float *c);
double baseline_dgemm(int n, int calls, const double *a, const double *b, double *c);
