# Completes each line of the input at its end, as an interactive bash does, and prints what it would offer, then a line "====".
# $1 is the folder that bash-completion looks into for more completions.
export BASH_COMPLETION_USER_DIR=$1
# shellcheck source=/dev/null
. /usr/share/bash-completion/bash_completion || exit
while IFS= read -r COMP_LINE; do
  COMP_POINT=${#COMP_LINE}
  read -ra words <<<"$COMP_LINE"
  COMP_WORDS=()
  for word in "${words[@]}"; do
    while [[ $word =~ ^([:=]+|[^:=]+)(.*)$ ]]; do
      COMP_WORDS+=("${BASH_REMATCH[1]}")
      word=${BASH_REMATCH[2]}
    done
  done
  [ "${COMP_LINE% }" = "$COMP_LINE" ] || COMP_WORDS+=("")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  program=${COMP_WORDS[0]}
  complete -p "$program" >/dev/null 2>&1 || _completion_loader "$program"
  # complete -o … -F FUNCTION PROGRAM
  read -ra how <<<"$(complete -p "$program")"
  COMPREPLY=()
  "${how[${#how[@]} - 2]}" "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  printf '%s\n' "${COMPREPLY[@]}" ====
done
