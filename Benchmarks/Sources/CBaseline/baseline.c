#define _GNU_SOURCE
#include "baseline.h"
#include <dlfcn.h>
#include <stddef.h>
#include <time.h>

// The values of cblas.h for row-major and not transposed.
enum { row_major = 101, no_transpose = 111 };

static void (*sgemm)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
static void (*dgemm)(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *,
                     int);

int baseline_open(void) {
  void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_NOLOAD);
  if (library == NULL) return 0;
  *(void **)&sgemm = dlsym(library, "cblas_sgemm");
  *(void **)&dgemm = dlsym(library, "cblas_dgemm");
  return sgemm != NULL && dgemm != NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double baseline_sgemm(int n, int calls, const float *a, const float *b, float *c) {
  double start = now();
  for (int i = 0; i < calls; i++)
    sgemm(row_major, no_transpose, no_transpose, n, n, n, 1, a, n, b, n, 0, c, n);
  return now() - start;
}

double baseline_dgemm(int n, int calls, const double *a, const double *b, double *c) {
  double start = now();
  for (int i = 0; i < calls; i++)
    dgemm(row_major, no_transpose, no_transpose, n, n, n, 1, a, n, b, n, 0, c, n);
  return now() - start;
}
