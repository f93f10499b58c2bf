// Files that were dropped before there was a conversation for them: they wait here until it is open.
const waiting = new Map<string, File[]>();

export function takeFiles(chat: string, files: File[]) {
  if (files.length) waiting.set(chat, files);
}

export function giveFiles(chat: string): File[] {
  const files = waiting.get(chat) ?? [];
  waiting.delete(chat);
  return files;
}
