#pragma once
#include <netcdf.h>
#include <dlfcn.h>
#include <stddef.h>

// The functions of libnetcdf that are used. The library is opened when an array file is written: with it come HDF5 and
// network libraries, whose loading every other command would pay for.
struct netcdf_library {
  int (*create)(const char *path, int mode, int *file);
  int (*close)(int file);
  int (*def_dim)(int file, const char *name, size_t length, int *dimension);
  int (*def_var)(int file, const char *name, nc_type type, int rank, const int *dimensions, int *variable);
  int (*def_var_deflate)(int file, int variable, int shuffle, int deflate, int level);
  int (*def_var_chunking)(int file, int variable, int storage, const size_t *sizes);
  int (*def_var_fill)(int file, int variable, int no_fill, const void *value);
  int (*set_var_chunk_cache)(int file, int variable, size_t bytes, size_t slots, float preemption);
  int (*put_att_text)(int file, int variable, const char *name, size_t length, const char *text);
  int (*put_att_double)(int file, int variable, const char *name, nc_type type, size_t count, const double *values);
  int (*enddef)(int file);
  int (*put_vara_double)(int file, int variable, const size_t *start, const size_t *count, const double *values);
  int (*put_var_string)(int file, int variable, const char **values);
  const char *(*strerror)(int status);
};

// Fills in the functions; gives the name of what is missing, or NULL.
static inline const char *netcdf_open_library(struct netcdf_library *library) {
  void *handle = dlopen("libnetcdf.so.19", RTLD_NOW | RTLD_LOCAL);
  if (!handle) handle = dlopen("libnetcdf.so", RTLD_NOW | RTLD_LOCAL);
  if (!handle) return "libnetcdf";
#define NETCDF_FUNCTION(name) \
  if (!(*(void **)&library->name = dlsym(handle, "nc_" #name))) return "nc_" #name;
  NETCDF_FUNCTION(create)
  NETCDF_FUNCTION(close)
  NETCDF_FUNCTION(def_dim)
  NETCDF_FUNCTION(def_var)
  NETCDF_FUNCTION(def_var_deflate)
  NETCDF_FUNCTION(def_var_chunking)
  NETCDF_FUNCTION(def_var_fill)
  NETCDF_FUNCTION(set_var_chunk_cache)
  NETCDF_FUNCTION(put_att_text)
  NETCDF_FUNCTION(put_att_double)
  NETCDF_FUNCTION(enddef)
  NETCDF_FUNCTION(put_vara_double)
  NETCDF_FUNCTION(put_var_string)
  NETCDF_FUNCTION(strerror)
#undef NETCDF_FUNCTION
  return NULL;
}
