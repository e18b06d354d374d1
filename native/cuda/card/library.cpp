#include "library.h"

#include <dlfcn.h>

#if defined(__linux__)
#include <link.h>
#endif

#include <filesystem>
#include <stdexcept>
#include <utility>

namespace painnless::cuda {
namespace {

/// Path of a loaded library whose file is called `name`, `name`.13 or the like; empty if there is none.
std::string path_of_loaded(const std::string& name) {
  std::string found;
#if defined(__linux__)
  std::pair<const std::string*, std::string*> search{&name, &found};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto& [wanted, path] = *static_cast<std::pair<const std::string*, std::string*>*>(data);
        const std::string here = info->dlpi_name ? info->dlpi_name : "";
        const std::string file = here.substr(here.rfind('/') + 1);
        if (file.rfind(*wanted, 0) != 0) return 0;
        *path = here;
        return 1;
      },
      &search);
#endif
  return found;
}

}  // namespace

std::optional<Library> Library::loaded(const std::string& name) {
  const std::string path = path_of_loaded(name);
  void* handle = path.empty() ? nullptr : dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (!handle) return std::nullopt;
  return Library(handle, path);
}

Library Library::open(const std::string& path) {
  if (void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) return Library(handle, path);
  const char* why = dlerror();
  throw std::runtime_error(why ? why : path + " does not open");
}

void Library::open_beside(const std::string& name) const {
  std::error_code none;  // a library that the loader has found by its name has no folder here
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::canonical(path_, none).parent_path(), none))
    if (entry.path().filename().string().rfind(name, 0) == 0) dlopen(entry.path().c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

Library::Library(Library&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)), path_(std::move(other.path_)) {}

Library::~Library() {
  if (handle_) dlclose(handle_);
}

void* Library::symbol_if_any(const char* symbol) const { return dlsym(handle_, symbol); }

void* Library::symbol_at(const char* symbol) const {
  if (void* found = symbol_if_any(symbol)) return found;
  throw std::runtime_error(path_ + " lacks the function " + symbol);
}

}  // namespace painnless::cuda
