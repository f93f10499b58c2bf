// The conversation that is open, for all of its views.
import { createContext, useContext } from 'react';
import type { BotHistory, Conversation, Run, StoredFile } from '../api';
import type { Live } from '../live';

export interface FileChoice { name: string; kind: 'upload' | 'output' | 'between'; file: StoredFile | null }

export interface OpenChat {
  id: string;
  chat: Conversation;
  runs: Run[];
  files: FileChoice[];
  live: Live;
  bot: BotHistory | null;
  addFiles: (files: File[]) => void;
}

export const ChatContext = createContext<OpenChat | null>(null);

export function useChat(): OpenChat {
  const chat = useContext(ChatContext);
  if (!chat) throw new Error('outside of a conversation');
  return chat;
}
