# Run by ninja: writes the files of a folder into one C++ file, so that the program needs no data folder.
# cmake -DFOLDER=... -DOUT=... -P EmbedTexts.cmake

file(GLOB files ${FOLDER}/*.toml)
list(SORT files)
set(entries "")
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND entries "    {\"${name}\", R\"toml(${text})toml\"},\n")
endforeach()
file(WRITE ${OUT} "#include \"optim/builtin_recipes.h\"

namespace starling::optim {
namespace {

constexpr BuiltinRecipe recipes[] = {
${entries}};

}  // namespace

std::span<const BuiltinRecipe> builtin_recipes() { return recipes; }

}  // namespace starling::optim
")
