#pragma once
// A shared library opened at run time, and functions of it by name. One that this process has loaded already is taken first: two copies of
// NVRTC in one process, PyTorch's and another, would be two of everything. It stays until the process ends: it may have threads of its own.
#include <optional>
#include <string>

namespace painnless::cuda {

class Library {
 public:
  /// One of this process whose file is called `name`, `name`.13 or the like.
  static std::optional<Library> loaded(const std::string& name);
  /// Throws std::runtime_error with the loader's reason.
  static Library open(const std::string& path);
  /// Opens for good the libraries in this one's folder whose files are called `name`, `name`.13.0 or the like: one that it asks the loader for by
  /// its bare name is then found wherever it is.
  void open_beside(const std::string& name) const;
  Library(Library&& other) noexcept;
  Library& operator=(Library&&) = delete;
  ~Library();

  const std::string& path() const { return path_; }
  /// Throws std::runtime_error where the library lacks it.
  template <class Function> void find(Function*& function, const char* symbol) const { function = reinterpret_cast<Function*>(symbol_at(symbol)); }
  /// Null where the library is of a version that lacks it.
  template <class Function> void find_if_any(Function*& function, const char* symbol) const { function = reinterpret_cast<Function*>(symbol_if_any(symbol)); }

 private:
  Library(void* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  void* symbol_at(const char* symbol) const;
  void* symbol_if_any(const char* symbol) const;

  void* handle_;
  std::string path_;
};

}  // namespace painnless::cuda
