#compdef git-push-mirror
#description <<.Means>>
# zsh completion of git-push-mirror and, through git's own, of git push-mirror.
# Made by "git-push-mirror generate".

__git-push-mirror_remotes () {
  local -a names expl
  names=(${(f)"$(git-push-mirror $where remote-names 2>/dev/null)"})
  _wanted remotes expl remote compadd -a names
}

__git-push-mirror_refs () {
  local -a names expl
  names=(${(f)"$(git $where for-each-ref --format='%(refname:strip=2)' refs/heads refs/tags 2>/dev/null)"})
  _wanted refs expl 'branch or tag' compadd -a names
}

# Offers refs after the flag that is its last argument; _arguments puts others in front.
__git-push-mirror_remotes-or-refs () {
  if [[ ${words[1,CURRENT-1][(R)-*]} == ${@[-1]} ]]; then
    __git-push-mirror_refs
  else
    __git-push-mirror_remotes
  fi
}

__git-push-mirror_keys () {
  local expl
  _wanted keys expl key compadd -S '' -- <<keys>>
}

_git-push-mirror () {
  local curcontext=$curcontext state line ret=1
  local -a where
  # As in git -C DIR push-mirror.
  if [[ $service == git ]] && (( $+opt_args[-C] )); then
    where=(-C ${(Q)${~opt_args[-C]}})
  fi
  local -A opt_args
  _arguments -C \
<<- range .Options>>
    <<template "option" .>> \
<<- end>>
    '(- *)-h[show this help]' \
    '1: :->command' \
    '*:: :->arguments' && ret=0
  if (( $+opt_args[-C] )); then
    where+=(-C ${(Q)${~opt_args[-C]}})
  fi
  case $state in
  command)
    local -a commands=(
<<- range .Verbs>>
      <<printf "%s:%s" (lastWord .Name) .Means | quoted>>
<<- end>>
    )
    _describe -t commands command commands && ret=0
    ;;
  arguments)
    _call_function ret __git-push-mirror--${words[1]}
    ;;
  esac
  return ret
}
<<range .Verbs>><<template "verb" .>><<end>>
_git-push-mirror "$@"
<<- define "option">><<if eq .Value "REF">><<printf "*%s[%s]:%s:__git-push-mirror_refs" .Name .Means .Value | quoted>>
<<- else if eq .Value "DIR">><<printf "%s[%s]:%s:_directories" .Name .Means .Value | quoted>>
<<- else if .Value>><<printf "%s[%s]:%s:" .Name .Means .Value | quoted>>
<<- else>><<printf "%s[%s]" .Name .Means | quoted>>
<<- end>><<end>>
<<- define "verb">>
__git-push-mirror--<<identifier .Name>> () {
<<- if .Verbs>>
  local state line ret=1
  _arguments -C '(- *)-h[show this help]' '1: :->command' '*:: :->arguments' && ret=0
  case $state in
  command)
    local -a commands=(
<<- range .Verbs>>
      <<printf "%s:%s" (lastWord .Name) .Means | quoted>>
<<- end>>
    )
    _describe -t commands command commands && ret=0
    ;;
  arguments)
    _call_function ret __git-push-mirror--<<identifier .Name>>-${words[1]}
    ;;
  esac
  return ret
<<- else>>
  _arguments \
<<- range .Options>>
    <<template "option" .>> \
<<- end>>
<<- if takesKeys .>>
<<- if eq (takes .) "REMOTE">>
    '1:remote:__git-push-mirror_remotes' \
<<- else>>
    '1:name:' \
    '2:url:' \
<<- end>>
    '*:key:__git-push-mirror_keys' \
<<- else if refFlag .>>
    '*:remote:__git-push-mirror_remotes-or-refs <<refFlag .>>' \
<<- else if eq (takes .) "REMOTE">>
    '*:remote:__git-push-mirror_remotes' \
<<- else if eq (takes .) "DIR">>
    '*:directory:_directories' \
<<- end>>
    '(- *)-h[show this help]'
<<- end>>
}
<<range .Verbs>><<template "verb" .>><<end>>
<<- end>>
