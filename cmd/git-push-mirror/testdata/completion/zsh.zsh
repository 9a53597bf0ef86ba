# Completes each line of the input at its end, in an interactive zsh on a terminal, and prints what it offers, then a line "====".
# $1 is a folder for its fpath; $ZDOTDIR has the .zshrc of that zsh.
zmodload zsh/zpty || exit
export COMPLETIONS=$1 OFFERED=$ZDOTDIR/offered
while IFS= read -r line; do
  : >$OFFERED
  zpty terminal zsh -d -i || exit
  # What is typed before the line editor runs could be lost.
  zpty -r terminal said '*READY*' || exit
  zpty -w -n terminal $line$'\t'
  while zpty -r terminal said; do :; done
  zpty -d terminal
  cat $OFFERED
  print '===='
done
